from pathlib import Path

from django.db import migrations, models

from microstore.database.migration_operations import load_sql

REFUNDS = Path(__file__).parents[1] / 'refunds/sql'


class Migration(migrations.Migration):

    dependencies = [
        ('transactions', '0009_refunds'),
    ]

    operations = [
        migrations.AlterField(
            model_name='refund',
            name='reason',
            field=models.CharField(blank=True, help_text='As given with the request; emptied with a deleted account.', max_length=500),
        ),
        load_sql(REFUNDS / 'append_only.sql'),
    ]
