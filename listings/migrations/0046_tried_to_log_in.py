from pathlib import Path

from django.db import migrations

from microstore.database.migration_operations import load_sql

ACCOUNTS = Path(__file__).parents[1] / 'accounts/sql'


class Migration(migrations.Migration):

    dependencies = [
        ('listings', '0045_restored_as'),
        ('staff', '0007_typed_names'),
    ]

    operations = [
        load_sql(ACCOUNTS / 'scrub_staff_reasons.sql'),
    ]
