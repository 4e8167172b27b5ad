-- Store a message in the outbox, and wake a relay that waits. Other SQL functions call it, too.
CREATE OR REPLACE FUNCTION outbox_send(contract_name text, message jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO messaging_outboxmessage (contract, payload) VALUES (contract_name, message);
    -- A relay that waits holds this lock (sending/wakeup.py). NOTIFY at every commit would let commits through one at
    -- a time, so it is sent only where the lock cannot be shared.
    IF NOT pg_try_advisory_xact_lock_shared(122550254464888) THEN
        PERFORM pg_notify('outbox', '');
    END IF;
END $$;
