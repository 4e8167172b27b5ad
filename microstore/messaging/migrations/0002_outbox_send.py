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
DROP = "DROP FUNCTION outbox_send(text, jsonb)"


class Migration(migrations.Migration):
    dependencies = (("messaging", "0001_initial"),)
    operations = (migrations.RunSQL(CREATE, DROP),)
