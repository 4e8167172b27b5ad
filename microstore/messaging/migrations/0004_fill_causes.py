from django.db import migrations


def fill(apps, schema_editor):
    from microstore.messaging.dead_letters.groups import cause_of

    letters = apps.get_model("messaging", "DeadLetter").objects.using(schema_editor.connection.alias)
    for letter in letters.filter(cause="").only("id", "error").iterator():
        letters.filter(pk=letter.pk).update(cause=cause_of(letter.error))


class Migration(migrations.Migration):
    dependencies = [("messaging", "0003_causes_and_depths")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
