"""Refunds. Constraints and index of the orders are validated and built by the next migration, beside the work."""

import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.datetime
import uuid_utils.compat
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('listings', '0031_sessions_change_keys'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Refund',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('amount_cents', models.PositiveBigIntegerField(help_text='Of what the buyer paid, in the minor unit.')),
                ('fee_cents', models.PositiveBigIntegerField(blank=True, help_text='Part of the amount; null until it is refunded.', null=True)),
                ('return_quantity', models.PositiveIntegerField(default=0, help_text='Pieces that go back into the stock.')),
                ('status', models.CharField(choices=[('requested', 'Requested'), ('refunded', 'Refunded'), ('refused', 'Refused')], default='requested', max_length=10)),
                ('reason', models.CharField(help_text='For the buyer to read.', max_length=500)),
                ('refusal', models.CharField(blank=True, help_text='Why it was refused.', max_length=500)),
                ('idempotency_key', models.CharField(blank=True, max_length=255, null=True)),
                ('request_hash', models.CharField(blank=True, help_text='What the key was first used for.', max_length=64)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('settled_at', models.DateTimeField(blank=True, help_text='When it was refunded or refused.', null=True)),
                ('resent_at', models.DateTimeField(blank=True, editable=False, help_text='When `reconcile` last sent its request again.', null=True)),
            ],
            options={
                'permissions': (('request_refund', 'Can refund orders'),),
            },
        ),
        migrations.RemoveConstraint(
            model_name='liveevent',
            name='live_event_once_per_order',
        ),
        migrations.AddField(
            model_name='order',
            name='refunded_cents',
            field=models.PositiveBigIntegerField(db_default=0, default=0, help_text='Of the total.'),
        ),
        migrations.AddField(
            model_name='order',
            name='returned_quantity',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='Back in the stock.'),
        ),
        migrations.AlterField(
            model_name='notification',
            name='kind',
            field=models.CharField(choices=[('order_completed', 'Order Completed'), ('order_rejected', 'Order Rejected'), ('order_cancelled', 'Order Cancelled'), ('order_refunded', 'Order Refunded')], max_length=20),
        ),
        migrations.AlterField(
            model_name='order',
            name='status',
            field=models.CharField(choices=[('pending', 'Pending'), ('completed', 'Completed'), ('rejected', 'Rejected'), ('cancelled', 'Cancelled'), ('partly_refunded', 'Partly refunded'), ('refunded', 'Refunded')], default='pending', max_length=20),
        ),
        migrations.AddField(
            model_name='liveevent',
            name='part',
            field=models.PositiveSmallIntegerField(db_default=0, default=0, help_text="Number of the refund."),
        ),
        migrations.AddConstraint(
            model_name='liveevent',
            constraint=models.UniqueConstraint(fields=('order_id', 'type', 'part'), name='live_event_once_per_order'),
        ),
        AddConstraintNotValid(
            model_name='order',
            constraint=models.CheckConstraint(condition=models.Q(('refunded_cents__lte', django.db.models.functions.comparison.Coalesce('total_cents', 0)), ('returned_quantity__lte', models.F('quantity'))), name='order_refunded_in_bounds'),
        ),
        migrations.AddField(
            model_name='refund',
            name='order',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='refunds', to='listings.order'),
        ),
        migrations.AddField(
            model_name='refund',
            name='requested_by',
            field=models.ForeignKey(db_index=False, help_text='Seller or staff.', on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='refund',
            index=models.Index(condition=models.Q(('status', 'requested')), fields=['created_at'], name='refund_requested'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.UniqueConstraint(fields=('requested_by', 'idempotency_key'), name='refund_once_per_key'),
        ),
        migrations.AddConstraint(
            model_name='refund',
            constraint=models.CheckConstraint(condition=models.Q(('amount_cents__gte', 1)), name='refund_amount_positive'),
        ),
    ]
