from pathlib import Path

from django.db import migrations

from microstore.database.migration_operations import load_sql

SQL = Path(__file__).parents[1] / 'catalogue/sql'


class Migration(migrations.Migration):
    # The index is built again beside the work that goes on: titles of punctuation alone have other words.
    atomic = False

    dependencies = [
        ('listings', '0046_tried_to_log_in'),
    ]

    operations = [
        load_sql(SQL / 'search_words.sql'),
        load_sql(SQL / 'search_query.sql'),
        load_sql(SQL / 'swapped_query.sql'),
        load_sql(SQL / 'has_rows.sql'),
        migrations.RunSQL('REINDEX INDEX CONCURRENTLY listing_search', migrations.RunSQL.noop),
    ]
