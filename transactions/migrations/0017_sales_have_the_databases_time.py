"""Sales are recorded at the time of the database's clock, from which on their income is held."""

from pathlib import Path

from django.db import migrations

from microstore.database.migration_operations import load_sql

TRANSACTIONS = Path(__file__).parents[1]


class Migration(migrations.Migration):

    dependencies = [("transactions", "0016_journals_checked_by_statement")]

    operations = [load_sql(TRANSACTIONS / "sql/store_transactions.sql")]
