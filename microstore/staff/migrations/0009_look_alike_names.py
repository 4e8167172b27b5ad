from pathlib import Path

from django.db import IntegrityError, migrations, transaction

from microstore.database.migration_operations import load_sql

SQL = Path(__file__).parents[2] / 'auth/sql'
NAMES = 'auth_user (name_skeleton(username))'


def add_index(apps, schema_editor):
    """Names of before that look alike stay: only those that come later are unique then."""
    cursor = schema_editor.connection.cursor()
    try:
        with transaction.atomic(schema_editor.connection.alias):
            cursor.execute(f'CREATE UNIQUE INDEX auth_user_look_alike ON {NAMES}')
    except IntegrityError:
        cursor.execute(f'CREATE INDEX auth_user_look_alike ON {NAMES}')
        cursor.execute('SELECT max(id) FROM auth_user')
        last = int(cursor.fetchone()[0])
        cursor.execute(f'CREATE UNIQUE INDEX auth_user_new_look_alike ON {NAMES} WHERE id > {last}')


def drop_index(apps, schema_editor):
    schema_editor.execute('DROP INDEX IF EXISTS auth_user_look_alike, auth_user_new_look_alike')


class Migration(migrations.Migration):

    dependencies = [
        ('staff', '0008_known_networks'),
    ]

    operations = [
        load_sql(SQL / 'folded_name.sql'),
        load_sql(SQL / 'refuse_retired_names.sql'),
        migrations.RunPython(add_index, drop_index),
    ]
