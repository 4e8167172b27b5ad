from pathlib import Path

from django.db import migrations, models

from microstore.database.migration_operations import load_sql

SQL = Path(__file__).parents[2] / 'auth/sql'


class Migration(migrations.Migration):

    dependencies = [
        ('staff', '0005_names_that_look_alike'),
    ]

    operations = [
        migrations.CreateModel(
            name='RetiredName',
            fields=[
                ('name_hash', models.CharField(help_text='SHA-256 of the folded name, in hexadecimal.', max_length=64, primary_key=True, serialize=False)),
            ],
        ),
        load_sql(SQL / 'refuse_retired_names.sql'),
        load_sql(SQL / 'scrub_log_ins.sql'),
    ]
