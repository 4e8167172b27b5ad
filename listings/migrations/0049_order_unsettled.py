from pathlib import Path

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import Q

from microstore.database.migration_operations import load_sql

SQL = Path(__file__).parents[1] / 'buying/sql'


class Migration(migrations.Migration):
    # Built beside the work that goes on; where it is broken off, drop the invalid index and migrate again.
    atomic = False

    dependencies = [
        ('listings', '0048_order_of_pictures'),
        ('messaging', '0006_outbox_send_several'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(fields=['buyer', 'listing'], name='order_unsettled', condition=Q(settled_at=None)),
        ),
        load_sql(SQL / 'order_created.sql'),
        load_sql(SQL / 'place_orders.sql'),
        RemoveIndexConcurrently(model_name='order', name='order_open'),
    ]
