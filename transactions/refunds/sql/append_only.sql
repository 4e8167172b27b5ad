-- Refunds are decided once, as the ledger's rows are written once: see ledger/sql/append_only.sql. But the reason, which a
-- person wrote and which may name one, is emptied when an account of theirs is deleted.
CREATE OR REPLACE FUNCTION refuse_change_of_refund() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.reason = '' AND to_jsonb(NEW) - 'reason' = to_jsonb(OLD) - 'reason' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of % is refused: its rows are written once', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON transactions_refund
FOR EACH ROW EXECUTE FUNCTION refuse_change_of_refund();
