from django.db import migrations

from microstore.staff.roles import grant_roles


def grant(apps, schema_editor):
    grant_roles(schema_editor.connection.alias)


class Migration(migrations.Migration):

    dependencies = [
        ('listings', '0043_labels'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='profile',
            options={'permissions': (('suspend_account', 'Can suspend and reinstate accounts of shoppers'),)},
        ),
        migrations.RunPython(grant, migrations.RunPython.noop),
    ]
