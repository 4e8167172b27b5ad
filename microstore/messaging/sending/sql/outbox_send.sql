-- Store messages of one contract in the outbox, and wake a relay that waits. Other SQL functions call it, too.
CREATE OR REPLACE FUNCTION outbox_send(contract_name text, VARIADIC messages jsonb[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO messaging_outboxmessage (contract, payload)
    SELECT contract_name, message FROM unnest(messages) AS message;
    -- A relay that waits holds this lock (sending/wakeup.py). NOTIFY at every commit would let commits through one at
    -- a time, so it is sent only where the lock cannot be shared.
    IF FOUND AND NOT pg_try_advisory_xact_lock_shared(122550254464888) THEN
        PERFORM pg_notify('outbox', '');
    END IF;
END $$;
