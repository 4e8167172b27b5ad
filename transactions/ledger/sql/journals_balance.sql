-- A journal is closed when the transaction that inserted it ends: entries are added to it in that transaction alone.
-- One check a statement, however many entries it inserts.
--
-- Both functions keep a plan for the connection, made when the tables may have had a few rows: a sequential scan, which
-- would be repeated for each journal until statistics are collected (20 million rows read while 5,000 orders settled).
CREATE OR REPLACE FUNCTION ensure_journal_is_open() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added LEFT JOIN transactions_journal journal ON journal.id = added.journal_id
        WHERE journal.posted_in IS DISTINCT FROM pg_current_xact_id()
    ) THEN
        RAISE EXCEPTION 'entries are added by the transaction that inserts their journal'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER journal_is_open AFTER INSERT ON transactions_entry REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION ensure_journal_is_open();

-- Called at the commit, once a journal, by the constraint trigger journal_balances (migration 0008): of a journal without
-- entries as of one with debits and credits that differ in some currency.
CREATE OR REPLACE FUNCTION ensure_journal_balances() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF NOT coalesce((
        SELECT bool_and(balance_cents = 0) FROM (
            SELECT sum(amount_cents) AS balance_cents FROM transactions_entry
            WHERE id >= NEW.id * 8 AND id < NEW.id * 8 + 8 GROUP BY currency
        ) AS by_currency
    ), false) THEN
        RAISE EXCEPTION 'the debits and credits of journal % (% of %) differ', NEW.id, NEW.kind, NEW.subject_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_balances';
    END IF;
    RETURN NULL;
END $$;
