from pathlib import Path

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from microstore.database.migration_operations import load_sql

ACCOUNTS = Path(__file__).parents[1] / 'accounts/sql'
HASH = "UPDATE listings_sentmail SET address = encode(sha256(convert_to(lower(address), 'UTF8')), 'hex')"


class Migration(migrations.Migration):

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('listings', '0034_reports_and_notes'),
    ]

    operations = [
        migrations.CreateModel(
            name='AccountDeletion',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, serialize=False, to=settings.AUTH_USER_MODEL)),
                ('requested_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('scrubbed_at', models.DateTimeField(help_text='When nothing of the person was left here.', null=True)),
                ('sent_at', models.DateTimeField(help_text='When `account_deleted` was last sent.', null=True)),
                ('forgotten_at', models.DateTimeField(help_text='When the transactions service had replied.', null=True)),
                ('closed_at', models.DateTimeField(help_text='When messages that came late were scrubbed, too.', null=True)),
                ('name_hash', models.CharField(db_default='', help_text='For the transactions service, until it is closed.', max_length=64)),
                ('trace', models.CharField(help_text='W3C traceparent of the request.', max_length=55)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['requested_at'], name='deletion_open')],
            },
        ),
        load_sql(ACCOUNTS / 'scrub_staff_reasons.sql'),
        migrations.AlterField(
            model_name='sentmail',
            name='address',
            field=models.EmailField(help_text='SHA-256 of it in lower case: it is only counted by.', max_length=254),
        ),
        migrations.RunSQL(HASH, migrations.RunSQL.noop),
    ]
