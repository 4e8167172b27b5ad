from pathlib import Path

from django.db import migrations, models

from microstore.database.migration_operations import load_sql

SQL = Path(__file__).parents[1] / 'buying/sql'


class Migration(migrations.Migration):

    dependencies = [
        ('listings', '0028_keep_plans'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='fee_version',
            field=models.CharField(blank=True, db_default='', help_text='The fee schedule by which its buyer was quoted, and is charged; empty: the present one.', max_length=32),
        ),
        load_sql(SQL / 'order_created.sql'),
        load_sql(SQL / 'place_orders.sql'),
    ]
