"""The outbox's function has its text in one file, sending/sql/outbox_send.sql."""

from pathlib import Path

from django.db import migrations

from microstore.database.migration_operations import load_sql


class Migration(migrations.Migration):
    dependencies = (("messaging", "0004_fill_causes"),)
    operations = (load_sql(Path(__file__).parents[1] / "sending/sql/outbox_send.sql"),)
