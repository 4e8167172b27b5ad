from pathlib import Path

from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations

from microstore.database.migration_operations import load_sql

SQL = Path(__file__).parents[1] / 'catalogue/sql'
ADD_INDEX = """
CREATE INDEX CONCURRENTLY listing_similar ON listings_listing USING gin (search_fold(title) gin_trgm_ops)
"""


class Migration(migrations.Migration):
    # Built beside the work that goes on; where it is broken off, drop the invalid index and migrate again.
    atomic = False

    dependencies = [
        ('listings', '0023_open_orders'),
    ]

    operations = [
        TrigramExtension(),  # PostgreSQL trusts it: the owner of the database may create it
        migrations.RunSQL(ADD_INDEX, 'DROP INDEX CONCURRENTLY listing_similar'),
        load_sql(SQL / 'similar_listings.sql'),
        load_sql(SQL / 'is_listed.sql'),
    ]
