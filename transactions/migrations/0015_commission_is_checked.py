from django.contrib.postgres.operations import ValidateConstraint
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('transactions', '0014_commission'),
    ]

    operations = [
        ValidateConstraint('transaction', 'transaction_commission_in_price'),
    ]
