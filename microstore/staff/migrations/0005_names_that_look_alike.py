from pathlib import Path

from django.db import migrations

from microstore.database.migration_operations import load_sql

SQL = Path(__file__).parents[2] / 'auth/sql'
# The oldest keeps the name; the others learn theirs from staff, or by resetting the password.
RENAME = """
WITH alike AS (
    SELECT id, username, row_number() OVER (PARTITION BY folded_name(username) ORDER BY id) AS place FROM auth_user
), renamed AS (
    UPDATE auth_user SET username = left(alike.username, 130) || '-' || alike.id FROM alike
    WHERE alike.id = auth_user.id AND alike.place > 1 RETURNING alike.username AS before, auth_user.username AS after
)
INSERT INTO staff_staffaction (at, by, action, target, reason)
SELECT now(), 'migrate (command line)', 'renamed', 'user ' || after, 'another account has a name like ' || before FROM renamed
"""
ADD_INDEX = 'CREATE UNIQUE INDEX auth_user_unlike_others ON auth_user (folded_name(username))'


class Migration(migrations.Migration):

    dependencies = [
        ('staff', '0004_failed_login'),
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        load_sql(SQL / 'folded_name.sql'),
        migrations.RunSQL(RENAME, migrations.RunSQL.noop),
        migrations.RunSQL(ADD_INDEX, 'DROP INDEX auth_user_unlike_others'),
    ]
