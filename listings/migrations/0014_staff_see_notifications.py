from django.db import migrations, models

from django.contrib.postgres.operations import AddIndexConcurrently
from microstore.staff.roles import grant_roles


def grant(apps, schema_editor):
    grant_roles(schema_editor.connection.alias)


class Migration(migrations.Migration):
    # Built beside the work that goes on; where it is broken off, drop the invalid index and migrate again.
    atomic = False

    dependencies = [
        ('listings', '0013_notifications'),
        ('staff', '0003_view_logs'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='email',
            index=models.Index(condition=models.Q(('error', ''), _negated=True), fields=['-notification'], name='email_refused'),
        ),
        AddIndexConcurrently(
            model_name='notification',
            index=models.Index(condition=models.Q(('kind__in', ['order_rejected', 'order_cancelled'])), fields=['kind', '-id'], name='notification_unusual'),
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
