from pathlib import Path

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

from microstore.database.migration_operations import load_sql

SQL = Path(__file__).parents[1] / 'buying/sql'


class Migration(migrations.Migration):
    # Built beside the work that goes on; where it is broken off, drop the invalid index and migrate again.
    atomic = False

    dependencies = [
        ('listings', '0022_order_created'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(fields=['buyer', 'listing'], name='order_open', condition=Q(status='pending')),
        ),
        load_sql(SQL / 'place_orders.sql'),
    ]
