"""A function that stores a message and wakes a waiting relay; sending/sql/outbox_send.sql is the present one."""

from django.db import migrations


CREATE = """
CREATE FUNCTION outbox_send(contract_name text, message jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO messaging_outboxmessage (contract, payload) VALUES (contract_name, message);
    IF NOT pg_try_advisory_xact_lock_shared(122550254464888) THEN
        PERFORM pg_notify('outbox', '');
    END IF;
END $$
"""
DROP = "DROP FUNCTION outbox_send(text, jsonb)"


class Migration(migrations.Migration):
    dependencies = (("messaging", "0001_initial"),)
    operations = (migrations.RunSQL(CREATE, DROP),)
