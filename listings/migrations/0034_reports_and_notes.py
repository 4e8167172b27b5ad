import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from microstore.staff.roles import grant_roles


def grant(apps, schema_editor):
    grant_roles(schema_editor.connection.alias)


class Migration(migrations.Migration):

    dependencies = [
        ('listings', '0033_refunded_orders'),
        ('staff', '0005_names_that_look_alike'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CustomerNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('by', models.CharField(help_text='Name of the staff member.', max_length=150)),
                ('text', models.CharField(max_length=1000)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notes', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Report',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(choices=[('forbidden', 'It may not be sold'), ('counterfeit', 'It is a counterfeit'), ('misleading', 'It is not what the listing says'), ('offensive', 'It is offensive'), ('fraud', 'It looks like fraud'), ('other', 'Something else')], max_length=20)),
                ('text', models.CharField(blank=True, help_text="In the reporter's words.", max_length=1000)),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('upheld', 'Upheld'), ('dismissed', 'Dismissed')], default='waiting', max_length=10)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
                ('decided_by', models.CharField(blank=True, help_text='Name of the staff member.', max_length=150)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('listing', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reports', to='listings.listing')),
                ('reporter', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reports', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['state', '-id'], name='report_state')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'waiting')), fields=('listing', 'reporter'), name='report_waits_once')],
            },
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
