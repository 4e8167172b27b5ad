from django.db import migrations, models

from django.contrib.postgres.operations import AddIndexConcurrently


class Migration(migrations.Migration):
    # Built beside the work that goes on; where it is broken off, drop the invalid index and migrate again.
    atomic = False

    dependencies = [
        ('listings', '0008_moderation'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(condition=models.Q(('checkout_id__isnull', False)), fields=['checkout_id'], name='order_of_checkout'),
        ),
        AddIndexConcurrently(
            model_name='order',
            index=models.Index(condition=models.Q(('status__in', ['rejected', 'cancelled', 'refunded'])), fields=['status', '-id'], name='order_unusual'),
        ),
    ]
