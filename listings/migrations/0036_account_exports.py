import django.db.models.deletion
import django.db.models.functions.datetime
import uuid_utils.compat
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('listings', '0035_account_deletion'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='accountevent',
            name='kind',
            field=models.CharField(choices=[('logged_in', 'Log-in'), ('wrong_password', 'Wrong password'), ('password_changed', 'Password changed'), ('password_reset', 'Password reset by e-mail'), ('address_changed', 'E-mail address changed'), ('address_verified', 'E-mail address verified'), ('sessions_ended', 'Sessions ended'), ('export_requested', 'Archive of your data requested')], max_length=20),
        ),
        migrations.CreateModel(
            name='AccountExport',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('trace', models.CharField(help_text='W3C traceparent of the request.', max_length=55)),
                ('requested_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('page', models.PositiveIntegerField(default=0, help_text='The one that is awaited.')),
                ('cursor', models.CharField(blank=True, help_text='Of that page.', max_length=100)),
                ('sent_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), help_text='When that page was last requested.')),
                ('private_archive', models.BinaryField(help_text='The ZIP file.', null=True)),
                ('ready_at', models.DateTimeField(help_text='When it was made.', null=True)),
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='ExportPage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('page', models.PositiveIntegerField()),
                ('file', models.CharField(max_length=40)),
                ('private_rows', models.JSONField()),
                ('export', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pages', to='listings.accountexport')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('export', 'page'), name='export_page_once')],
            },
        ),
    ]
