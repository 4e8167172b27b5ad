from pathlib import Path

from django.db import migrations

from microstore.database.migration_operations import load_sql

SQL = Path(__file__).parents[1] / 'catalogue/sql'


class Migration(migrations.Migration):

    dependencies = [
        ('listings', '0040_language'),
    ]

    operations = [
        load_sql(SQL / 'similar_listings.sql'),
    ]
