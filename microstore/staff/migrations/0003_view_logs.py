from django.db import migrations

from microstore.staff.roles import grant_roles


def grant(apps, schema_editor):
    grant_roles(schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [("staff", "0002_roles")]
    operations = [
        migrations.AlterModelOptions(
            name="staffaction",
            options={"verbose_name": "staff action", "permissions": (("view_logs", "Can read log lines"),)},
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
