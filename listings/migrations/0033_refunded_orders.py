from django.contrib.postgres.operations import AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models


class Migration(migrations.Migration):
    # Built beside the work that goes on; where it is broken off, drop the invalid index and migrate again.
    atomic = False

    dependencies = [
        ('listings', '0032_refunds'),
    ]

    operations = [
        ValidateConstraint('order', 'order_refunded_in_bounds'),
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(condition=models.Q(('status', 'partly_refunded')), fields=['-id'], name='order_partly_refunded'),
        ),
    ]
