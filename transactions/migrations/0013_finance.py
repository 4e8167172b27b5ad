"""Indexes for the admin of the ledger and of refunds, and what finance may export of them."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

from microstore.staff.roles import grant_roles


def grant(apps, schema_editor):
    grant_roles(schema_editor.connection.alias)


class Migration(migrations.Migration):
    # Built beside the work that goes on; where it is broken off, drop the invalid index and migrate again.
    atomic = False

    dependencies = [
        ('staff', '0003_view_logs'),
        ('transactions', '0012_payouts'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='entry',
            options={'permissions': (('export_entry', 'Can export entries'),), 'verbose_name_plural': 'entries'},
        ),
        migrations.AlterModelOptions(
            name='refund',
            options={'permissions': (('export_refund', 'Can export refunds'),)},
        ),
        AddIndexConcurrently(
            model_name='journal',
            index=models.Index(fields=['occurred_at'], name='journal_occurred'),
        ),
        AddIndexConcurrently(
            model_name='refund',
            index=models.Index(fields=['status', '-id'], name='refund_status'),
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
