"""`place_orders` keeps the plans of its statements."""

from pathlib import Path

from django.db import migrations

from microstore.database.migration_operations import load_sql

LISTINGS = Path(__file__).parents[1]


class Migration(migrations.Migration):
    dependencies = (("listings", "0027_sessions_and_history"),)
    operations = (load_sql(LISTINGS / "buying/sql/place_orders.sql"),)
