from django.db import migrations, models

from django.contrib.postgres.operations import AddIndexConcurrently


class Migration(migrations.Migration):
    # Built beside the work that goes on; where it is broken off, drop the invalid index and migrate again.
    atomic = False

    dependencies = [
        ('transactions', '0003_transaction_refused'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='transaction',
            index=models.Index(fields=['currency', '-id'], name='transaction_currency'),
        ),
    ]
