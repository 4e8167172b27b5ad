"""`outbox_send` stores several messages at once. Processes of the release before call it as they did."""

from pathlib import Path

from django.db import migrations

from microstore.database.migration_operations import load_sql


class Migration(migrations.Migration):
    dependencies = (("messaging", "0005_outbox_send_from_its_file"),)
    operations = (
        load_sql(Path(__file__).parents[1] / "sending/sql/outbox_send.sql"),
        migrations.RunSQL("DROP FUNCTION outbox_send(contract_name text, message jsonb)", migrations.RunSQL.noop),
    )
