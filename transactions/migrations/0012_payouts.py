"""Payouts, the bank accounts that they go to, and the statements that say they arrived."""

from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
import uuid_utils.compat
from django.db import migrations, models

from microstore.database.migration_operations import load_sql

PAYOUTS = Path(__file__).parents[1] / "payouts/sql"


class Migration(migrations.Migration):

    dependencies = [
        ('transactions', '0011_journals_checked_by_index'),
    ]

    operations = [
        migrations.AlterField(
            model_name='entry',
            name='account',
            field=models.CharField(choices=[('receivable', 'Receivable from a buyer'), ('payable', 'Payable to a seller'), ('fee_income', 'Fee income'), ('in_transit', 'Payouts in transit'), ('bank', 'Bank')], max_length=12),
        ),
        migrations.AlterField(
            model_name='journal',
            name='kind',
            field=models.CharField(choices=[('sale', 'Sale'), ('void', 'Void'), ('refund', 'Refund'), ('payout', 'Payout prepared'), ('paid', 'Payout paid'), ('failed', 'Payout failed')], max_length=10),
        ),
        migrations.AlterField(
            model_name='journal',
            name='subject_id',
            field=models.UUIDField(help_text='The transaction of a sale or a void; the refund; the payout.'),
        ),
        migrations.CreateModel(
            name='BankAccount',
            fields=[
                ('id', models.UUIDField(editable=False, help_text="The listings service's change.", primary_key=True, serialize=False)),
                ('seller_id', models.BigIntegerField(help_text="The listings service's user.")),
                ('sealed', models.TextField(help_text='Owner, IBAN and seller, encrypted.', max_length=2000)),
                ('masked', models.CharField(help_text='The IBAN as it is shown: country and last digits.', max_length=40)),
                ('changed_at', models.DateTimeField(help_text='When the seller gave it.')),
                ('usable_at', models.DateTimeField(help_text='Nothing is paid to the seller before.')),
                ('replaced_at', models.DateTimeField(blank=True, help_text='When the seller gave another one.', null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('replaced_at', None)), fields=('seller_id',), name='one_bank_account_of_seller')],
            },
        ),
        migrations.CreateModel(
            name='Payout',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('seller_id', models.BigIntegerField(help_text="The listings service's user.")),
                ('currency', models.CharField(max_length=3)),
                ('amount_cents', models.PositiveBigIntegerField(help_text='In the minor unit.')),
                ('available_at', models.DateTimeField(help_text='When the first of the income in it became available.')),
                ('status', models.CharField(choices=[('prepared', 'Prepared'), ('sent', 'Sent'), ('unknown', 'Unknown'), ('paid', 'Paid'), ('failed', 'Failed')], default='prepared', max_length=10)),
                ('provider', models.CharField(blank=True, help_text='By which it is sent: file or http.', max_length=10)),
                ('batch', models.CharField(blank=True, help_text='Name of the folder with its file.', max_length=40)),
                ('reference', models.CharField(blank=True, help_text="The provider's own name of it.", max_length=100)),
                ('reason', models.CharField(blank=True, help_text='Why it failed or is unknown.', max_length=500)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('sent_at', models.DateTimeField(blank=True, help_text='Before it was sent for the first time.', null=True)),
                ('looked_up_at', models.DateTimeField(blank=True, help_text='When it was last looked up.', null=True)),
                ('settled_at', models.DateTimeField(blank=True, help_text='When we learnt of its end.', null=True)),
                ('bank_account', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='payouts', to='transactions.bankaccount')),
            ],
            options={
                'permissions': (('decide_payout', 'Can decide about unknown payouts'),),
            },
        ),
        migrations.CreateModel(
            name='StatementLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reference', models.CharField(help_text="As the bank has it: a payout's id, where it is ours.", max_length=100)),
                ('amount_cents', models.PositiveBigIntegerField(help_text='In the minor unit.')),
                ('currency', models.CharField(max_length=3)),
                ('booked_on', models.DateField()),
                ('occurrence', models.PositiveIntegerField(help_text='Of equal lines in its statement, which this is.')),
                ('problem', models.CharField(blank=True, help_text='Why it settles no payout.', max_length=300)),
                ('statement', models.CharField(help_text='Name of the file.', max_length=200)),
                ('read_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('payout', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='lines', to='transactions.payout')),
            ],
        ),
        migrations.AddIndex(
            model_name='payout',
            index=models.Index(fields=['seller_id', '-id'], name='payout_of_seller'),
        ),
        migrations.AddIndex(
            model_name='payout',
            index=models.Index(condition=models.Q(('status__in', ('prepared', 'sent', 'unknown'))), fields=['status', 'id'], name='payout_open'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.CheckConstraint(condition=models.Q(('amount_cents__gte', 1)), name='payout_amount_positive'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('sent_at', None), ('settled_at', None), ('status', 'prepared')), models.Q(('sent_at__isnull', False), ('settled_at', None), ('status__in', ['sent', 'unknown'])), models.Q(('sent_at__isnull', False), ('settled_at__isnull', False), ('status', 'paid')), models.Q(('settled_at__isnull', False), ('status', 'failed')), _connector='OR'), name='payout_times_of_status'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ('prepared', 'sent', 'unknown'))), fields=('seller_id', 'currency'), name='one_open_payout'),
        ),
        migrations.AddConstraint(
            model_name='statementline',
            constraint=models.UniqueConstraint(fields=('reference', 'booked_on', 'amount_cents', 'currency', 'occurrence'), name='statement_line_once'),
        ),
        load_sql(PAYOUTS / "post_payouts.sql"),
        load_sql(PAYOUTS / "append_only.sql"),
    ]
