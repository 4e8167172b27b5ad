import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models

from microstore.staff.roles import grant_roles


def grant(apps, schema_editor):
    grant_roles(schema_editor.connection.alias)


class Migration(migrations.Migration):

    dependencies = [
        ('listings', '0038_bank_accounts'),
        ('staff', '0005_names_that_look_alike'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='WebhookDelivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event_id', models.UUIDField(help_text="The fact's.")),
                ('event_type', models.CharField(max_length=30)),
                ('body', models.TextField(help_text='As it is sent and signed, in each attempt.')),
                ('status', models.CharField(choices=[('waiting', 'Waiting'), ('sending', 'Sending'), ('delivered', 'Delivered'), ('failed', 'Failed')], db_default='waiting', max_length=10)),
                ('attempts', models.PositiveSmallIntegerField(db_default=0)),
                ('due_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='When it may be claimed; while it is sent, when the claim of a dead process ends.', null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('settled_at', models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AlterField(
            model_name='accountmail',
            name='kind',
            field=models.CharField(choices=[('verify_address', 'Verify Address'), ('reset_password', 'Reset Password'), ('address_changed', 'Address Changed'), ('password_changed', 'Password Changed'), ('bank_account_changed', 'Bank Account Changed'), ('digest', 'Digest'), ('webhook_off', 'Webhook Off')], max_length=20),
        ),
        migrations.CreateModel(
            name='WebhookAttempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('made_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('duration_ms', models.PositiveIntegerField()),
                ('status_code', models.PositiveSmallIntegerField(help_text='Null where nothing was answered.', null=True)),
                ('answer', models.TextField(blank=True, help_text='The beginning of the answer.')),
                ('error', models.CharField(blank=True, help_text='Why nothing was answered.', max_length=200)),
                ('delivery', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='attempts_made', to='listings.webhookdelivery')),
            ],
        ),
        migrations.CreateModel(
            name='WebhookEndpoint',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('scope', models.CharField(choices=[('own_sales', 'Own Sales'), ('all_orders', 'All Orders')], default='own_sales', max_length=10)),
                ('url', models.CharField(max_length=500)),
                ('events', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=30), help_text='Types of the events that are sent.', size=None)),
                ('description', models.CharField(blank=True, help_text='For its owner.', max_length=100)),
                ('secret', models.CharField(max_length=100)),
                ('previous_secret', models.CharField(blank=True, help_text='Signs too, until its end.', max_length=100)),
                ('previous_secret_until', models.DateTimeField(blank=True, null=True)),
                ('enabled', models.BooleanField(default=True)),
                ('off_reason', models.CharField(blank=True, help_text='Why it was switched off; empty where its owner did that.', max_length=200)),
                ('mail_due', models.BooleanField(db_default=False, editable=False, help_text='Its owner is to get an e-mail about that.')),
                ('failures', models.PositiveIntegerField(db_default=0, help_text='Attempts that failed in a row.')),
                ('failing_since', models.DateTimeField(blank=True, null=True)),
                ('paused_until', models.DateTimeField(blank=True, help_text='No attempt is made before, after several failures in a row.', null=True)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='webhook_endpoints', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'permissions': (('watch_all_orders', 'Can have the events of all orders sent to an endpoint'), ('manage_webhooks', 'Can ping endpoints, send deliveries again and switch endpoints off and on')),
            },
        ),
        migrations.AddField(
            model_name='webhookdelivery',
            name='endpoint',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='listings.webhookendpoint'),
        ),
        migrations.AddIndex(
            model_name='webhookendpoint',
            index=models.Index(condition=models.Q(('scope', 'all_orders')), fields=['scope'], name='webhook_of_all_orders'),
        ),
        migrations.AddIndex(
            model_name='webhookendpoint',
            index=models.Index(condition=models.Q(('mail_due', True)), fields=['id'], name='webhook_mail_due'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(fields=['endpoint', '-id'], name='webhook_log'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(condition=models.Q(('status', 'failed')), fields=['-id'], name='webhook_failed'),
        ),
        migrations.AddIndex(
            model_name='webhookdelivery',
            index=models.Index(condition=models.Q(('status__in', ['waiting', 'sending'])), fields=['endpoint', 'due_at'], name='webhook_due'),
        ),
        migrations.AddConstraint(
            model_name='webhookdelivery',
            constraint=models.UniqueConstraint(fields=('endpoint', 'event_id'), name='webhook_once_per_event'),
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
