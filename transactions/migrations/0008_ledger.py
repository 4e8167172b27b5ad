"""The ledger, and recording that posts to it. `manage.py post_ledger` posts what was recorded before."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

from microstore.database.migration_operations import load_sql

TRANSACTIONS = Path(__file__).parents[1]
LEDGER = TRANSACTIONS / "ledger/sql"
# By the transaction's number it is known which journals may still get entries. No field of the model: no code reads it.
POSTED_IN = "ALTER TABLE transactions_journal ADD COLUMN posted_in xid8 NOT NULL DEFAULT pg_current_xact_id()"
BALANCES = """
CREATE CONSTRAINT TRIGGER journal_balances AFTER INSERT ON transactions_journal DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION ensure_journal_balances()
"""


class Migration(migrations.Migration):

    dependencies = [
        ('transactions', '0007_item_as_sold'),
    ]

    operations = [
        migrations.CreateModel(
            name='Journal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('sale', 'Sale'), ('void', 'Void')], max_length=10)),
                ('subject_id', models.UUIDField(help_text='The transaction of a sale or a void.')),
                ('occurred_at', models.DateTimeField(help_text='Of the event; old ones may have been posted later.')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('subject_id', 'kind'), name='journal_once_per_event')],
            },
        ),
        migrations.CreateModel(
            name='Entry',
            fields=[
                ('id', models.BigIntegerField(editable=False, help_text="Its journal's id times 8, plus its line in the journal.", primary_key=True, serialize=False)),
                ('account', models.CharField(choices=[('receivable', 'Receivable from a buyer'), ('payable', 'Payable to a seller'), ('fee_income', 'Fee income')], max_length=12)),
                ('owner_id', models.BigIntegerField(help_text="The listings service's user; 0 is the marketplace itself.")),
                ('currency', models.CharField(max_length=3)),
                ('amount_cents', models.BigIntegerField(help_text='In the minor unit. Debit positive, credit negative.')),
                ('available_at', models.DateTimeField(help_text="When a seller's income may be paid out; null in other accounts.", null=True)),
                ('journal', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='entries', to='transactions.journal')),
            ],
            options={
                'verbose_name_plural': 'entries',
                'indexes': [models.Index(condition=models.Q(('account', 'payable')), fields=['owner_id', 'currency', 'id'], include=('amount_cents', 'available_at'), name='entry_of_seller')],
                'constraints': [models.CheckConstraint(condition=models.Q(('amount_cents', 0), _negated=True), name='entry_moves_something'), models.CheckConstraint(condition=models.Q(('journal_id', django.db.models.expressions.CombinedExpression(models.F('id'), '/', models.Value(8)))), name='entry_id_of_journal'), models.CheckConstraint(condition=models.Q(models.Q(('account', 'payable'), ('available_at__isnull', False)), models.Q(models.Q(('account', 'payable'), _negated=True), ('available_at__isnull', True)), _connector='OR'), name='entry_payable_is_held')],
            },
        ),
        migrations.RunSQL(POSTED_IN, migrations.RunSQL.noop),
        *map(load_sql, (LEDGER / f"{name}.sql" for name in ("append_only", "journals_balance", "post_sales", "post_voids"))),
        migrations.RunSQL(BALANCES, migrations.RunSQL.noop),
        load_sql(TRANSACTIONS / "sql/store_transactions.sql"),
    ]
