from django.db import migrations, models

from microstore.database.migration_operations import BuildIndex


class Migration(migrations.Migration):
    # Built beside the work that goes on; where it is broken off, drop the invalid index and migrate again.
    atomic = False

    dependencies = [
        ('listings', '0008_moderation'),
    ]

    operations = [
        BuildIndex(
            model_name='order',
            index=models.Index(condition=models.Q(('checkout_id__isnull', False)), fields=['checkout_id'], name='order_of_checkout'),
        ),
        BuildIndex(
            model_name='order',
            index=models.Index(condition=models.Q(('status__in', ['rejected', 'cancelled', 'refunded'])), fields=['status', '-id'], name='order_unusual'),
        ),
    ]
