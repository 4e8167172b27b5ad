import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('listings', '0036_account_exports'),
    ]

    operations = [
        migrations.AlterField(
            model_name='notification',
            name='kind',
            field=models.CharField(choices=[('order_completed', 'Order Completed'), ('order_rejected', 'Order Rejected'), ('order_cancelled', 'Order Cancelled'), ('order_refunded', 'Order Refunded'), ('checkout_settled', 'Checkout Settled')], max_length=20),
        ),
        migrations.AlterField(
            model_name='notification',
            name='order',
            field=models.ForeignKey(db_index=False, help_text='Of a checkout its first order.', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='listings.order'),
        ),
    ]
