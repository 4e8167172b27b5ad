"""Payouts that the bank returns after it has paid them, with a journal of their own."""

from pathlib import Path

from django.db import migrations, models

from microstore.database.migration_operations import load_sql

PAYOUTS = Path(__file__).parents[1] / "payouts/sql"


class Migration(migrations.Migration):

    dependencies = [
        ('transactions', '0018_sellers_who_left'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='payout',
            name='payout_times_of_status',
        ),
        migrations.AddField(
            model_name='payout',
            name='returned_at',
            field=models.DateTimeField(blank=True, help_text='When we learnt that it came back.', null=True),
        ),
        migrations.AlterField(
            model_name='journal',
            name='kind',
            field=models.CharField(choices=[('sale', 'Sale'), ('void', 'Void'), ('refund', 'Refund'), ('payout', 'Payout prepared'), ('paid', 'Payout paid'), ('failed', 'Payout failed'), ('returned', 'Payout returned')], max_length=10),
        ),
        migrations.AlterField(
            model_name='payout',
            name='reason',
            field=models.CharField(blank=True, help_text='Why it failed, is unknown or came back.', max_length=500),
        ),
        migrations.AlterField(
            model_name='payout',
            name='status',
            field=models.CharField(choices=[('prepared', 'Prepared'), ('sent', 'Sent'), ('unknown', 'Unknown'), ('paid', 'Paid'), ('failed', 'Failed'), ('returned', 'Returned')], default='prepared', max_length=10),
        ),
        migrations.AlterField(
            model_name='statementline',
            name='amount_cents',
            field=models.BigIntegerField(help_text='In the minor unit; negative where it came back.'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('returned_at', None), ('sent_at', None), ('settled_at', None), ('status', 'prepared')), models.Q(('returned_at', None), ('sent_at__isnull', False), ('settled_at', None), ('status__in', ['sent', 'unknown'])), models.Q(('returned_at', None), ('sent_at__isnull', False), ('settled_at__isnull', False), ('status', 'paid')), models.Q(('returned_at', None), ('settled_at__isnull', False), ('status', 'failed')), models.Q(('returned_at__isnull', False), ('sent_at__isnull', False), ('settled_at__isnull', False), ('status', 'returned')), _connector='OR'), name='payout_times_of_status'),
        ),
        load_sql(PAYOUTS / "post_payouts.sql"),
    ]
