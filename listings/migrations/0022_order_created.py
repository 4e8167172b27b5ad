"""`order_created` is made of an order by the database."""

from pathlib import Path

from django.db import migrations

from microstore.database.migration_operations import load_sql

LISTINGS = Path(__file__).parents[1]


class Migration(migrations.Migration):
    dependencies = (("listings", "0021_database_clock"),)
    operations = (load_sql(LISTINGS / "buying/sql/order_created.sql"),)
