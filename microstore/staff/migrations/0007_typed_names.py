from pathlib import Path

from django.db import migrations, models

from microstore.database.migration_operations import load_sql

SQL = Path(__file__).parents[2] / 'auth/sql'
# What was typed at a log-in, and is no name of staff: e-mail addresses, names of shoppers, passwords.
NAMES = """
UPDATE staff_staffaction SET by = 'user ' || auth_user.id FROM auth_user
WHERE action IN ('logged in', 'failed to log in') AND username = by AND NOT is_staff;
UPDATE staff_staffaction SET by = '(unknown name)'
WHERE action = 'failed to log in' AND by NOT LIKE 'user %' AND by <> '(deleted)'
    AND NOT EXISTS (SELECT FROM auth_user WHERE username = by);
DELETE FROM staff_failedlogin;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('staff', '0006_retired_names'),
    ]

    operations = [
        migrations.AlterField(
            model_name='failedlogin',
            name='name',
            field=models.CharField(help_text='Keyed hash of the name that was typed.', max_length=150),
        ),
        migrations.AlterField(
            model_name='staffaction',
            name='by',
            field=models.CharField(help_text='The user, `name (command line)`, or who failed to log in: `user 7`, `(unknown name)`.', max_length=150),
        ),
        migrations.RunSQL(NAMES, migrations.RunSQL.noop),
        load_sql(SQL / 'scrub_log_ins.sql'),
    ]
