"""The ledger's triggers find a journal's entries by an index, also in a young database."""

from pathlib import Path

from django.db import migrations

from microstore.database.migration_operations import load_sql

LEDGER = Path(__file__).parents[1] / "ledger/sql"


class Migration(migrations.Migration):

    dependencies = [
        ('transactions', '0010_texts_of_deleted_accounts'),
    ]

    operations = [load_sql(LEDGER / "journals_balance.sql")]
