"""Journals are checked once a statement; those that it leaves unbalanced are noted, and checked at the commit."""

from pathlib import Path

from django.db import migrations

from microstore.database.migration_operations import load_sql

LEDGER = Path(__file__).parents[1] / "ledger/sql"
# No model: no code reads it, and it is empty between transactions.
BY_STATEMENT = """
CREATE TABLE transactions_unbalanced (journal_id bigint PRIMARY KEY);
DROP TRIGGER journal_balances ON transactions_journal;
CREATE CONSTRAINT TRIGGER journal_balances AFTER INSERT ON transactions_unbalanced DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION ensure_journal_balances()
"""


class Migration(migrations.Migration):

    dependencies = [
        ('transactions', '0015_commission_is_checked'),
    ]

    operations = [
        migrations.RunSQL(BY_STATEMENT, migrations.RunSQL.noop),
        load_sql(LEDGER / "journals_balance.sql"),
    ]
