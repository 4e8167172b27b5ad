"""Refunds and their entries in the ledger."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

from microstore.database.migration_operations import load_sql

REFUNDS = Path(__file__).parents[1] / "refunds/sql"


class Migration(migrations.Migration):

    dependencies = [
        ('transactions', '0008_ledger'),
    ]

    operations = [
        migrations.AlterField(
            model_name='journal',
            name='kind',
            field=models.CharField(choices=[('sale', 'Sale'), ('void', 'Void'), ('refund', 'Refund')], max_length=10),
        ),
        migrations.AlterField(
            model_name='journal',
            name='subject_id',
            field=models.UUIDField(help_text='The transaction of a sale or a void; the refund.'),
        ),
        migrations.CreateModel(
            name='Refund',
            fields=[
                ('id', models.UUIDField(editable=False, help_text="The listings service's refund.", primary_key=True, serialize=False)),
                ('order_id', models.UUIDField(help_text="The listings service's order.")),
                ('listing_id', models.BigIntegerField()),
                ('amount_cents', models.PositiveBigIntegerField(help_text='Of what the buyer paid, in the minor unit.')),
                ('fee_cents', models.PositiveBigIntegerField(default=0, help_text='Part of the amount.')),
                ('currency', models.CharField(max_length=3)),
                ('status', models.CharField(choices=[('refunded', 'Refunded'), ('refused', 'Refused')], max_length=10)),
                ('reason', models.CharField(help_text='As given with the request.', max_length=500)),
                ('refusal', models.CharField(blank=True, help_text='Why it was refused.', max_length=500)),
                ('trace', models.CharField(help_text='W3C traceparent of the purchase.', max_length=55)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('transaction', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='transactions.transaction')),
            ],
            options={
                'indexes': [models.Index(fields=['order_id'], name='refund_of_order')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('status', 'refused'), models.Q(('refusal', ''), _negated=True)), models.Q(('amount_cents__gte', 1), ('refusal', ''), ('status', 'refunded'), ('transaction__isnull', False)), _connector='OR'), name='refund_has_transaction_or_refusal'), models.CheckConstraint(condition=models.Q(('fee_cents__lte', models.F('amount_cents'))), name='refund_fee_in_it')],
            },
        ),
        load_sql(REFUNDS / "post_refunds.sql"),
        load_sql(REFUNDS / "append_only.sql"),
    ]
