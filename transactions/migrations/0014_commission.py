"""The seller's commission, frozen with a sale and with its refunds, and the tiers of sellers."""

from pathlib import Path

import django.core.validators
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

from microstore.database.migration_operations import load_sql
from microstore.staff.roles import grant_roles

TRANSACTIONS = Path(__file__).parents[1]
FUNCTIONS = ("sql/store_transactions.sql", "ledger/sql/post_sales.sql", "refunds/sql/post_refunds.sql")


def grant(apps, schema_editor):
    grant_roles(schema_editor.connection.alias)


class Migration(migrations.Migration):

    dependencies = [
        ('transactions', '0013_finance'),
    ]

    operations = [
        migrations.CreateModel(
            name='SellerTier',
            fields=[
                ('seller_id', models.BigIntegerField(help_text="The listings service's user.", primary_key=True, serialize=False)),
                ('tier', models.CharField(help_text='As the fee schedule names it; of sales from now on.', max_length=20, validators=[django.core.validators.RegexValidator('^[a-z0-9-]+$', 'Use small letters, digits and dashes.')])),
            ],
        ),
        migrations.AlterField(
            model_name='entry',
            name='account',
            field=models.CharField(choices=[('receivable', 'Receivable from a buyer'), ('payable', 'Payable to a seller'), ('fee_income', 'Fee income'), ('in_transit', 'Payouts in transit'), ('bank', 'Bank'), ('commission', 'Commission income')], max_length=12),
        ),
        migrations.AddField(
            model_name='refund',
            name='commission_cents',
            field=models.PositiveBigIntegerField(db_default=0, default=0, help_text='Of the amount without the fee; the seller gives back the rest.'),
        ),
        migrations.AddField(
            model_name='transaction',
            name='commission_cents',
            field=models.PositiveBigIntegerField(db_default=0, default=0, help_text='Of the price; the seller gets the rest.'),
        ),
        # Checked of new rows at once, of those before by the next migration, which locks nobody out meanwhile.
        AddConstraintNotValid(
            model_name='transaction',
            constraint=models.CheckConstraint(condition=models.Q(('commission_cents__lte', models.F('price_cents'))), name='transaction_commission_in_price'),
        ),
        *map(load_sql, (TRANSACTIONS / file for file in FUNCTIONS)),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
