-- Staff replay a dead letter as it is stored: whoever could write any could have any command sent. So a database role that
-- has a worker of its own gets a trigger with this function and a pattern of its worker's contracts. A trigger, since a
-- policy of rows would keep the others' searches from their indexes (not every operator is leakproof).
CREATE OR REPLACE FUNCTION refuse_foreign_dead_letters() RETURNS trigger LANGUAGE plpgsql AS $refuse$
BEGIN
    IF NEW.contract ~ TG_ARGV[0] AND (TG_OP = 'INSERT' OR OLD.contract ~ TG_ARGV[0]) THEN
        RETURN NEW;
    END IF;
    RAISE insufficient_privilege USING MESSAGE = 'This dead letter is not of the worker of this role';
END
$refuse$;
