"""PostgreSQL stores a message and rings for the relay in one call; messaging/doorbell.py says how."""

from django.db import migrations

CREATE = """
CREATE FUNCTION outbox_send(contract_name text, message jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO messaging_outboxmessage (contract, payload) VALUES (contract_name, message);
    IF NOT pg_try_advisory_xact_lock_shared(122550254464888) THEN  -- doorbell.LOCK
        PERFORM pg_notify('outbox', '');
    END IF;
END $$
"""


def create(apps, schema_editor):  # type: ignore[no-untyped-def]
    """Other databases have no functions."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(CREATE)


def drop(apps, schema_editor):  # type: ignore[no-untyped-def]
    """Back to the release before, which stores messages by INSERT."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP FUNCTION outbox_send(text, jsonb)")


class Migration(migrations.Migration):
    dependencies = (("messaging", "0001_initial"),)
    operations = (migrations.RunPython(create, drop),)
