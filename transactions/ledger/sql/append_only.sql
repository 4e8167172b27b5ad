-- Refuse to change or delete what is written once. The application's role has no right to either (rights.sql finds the
-- tables by the name of this trigger); this stops everybody else, too, who does not drop the trigger first.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are written once', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON transactions_journal
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON transactions_entry
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
