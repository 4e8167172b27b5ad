-- Debits equal credits in each journal and currency when a transaction commits, and a journal is closed then: entries are
-- added to it by the transaction that inserts it alone.
--
-- A statement that inserts whole journals, as all functions of the ledger do, is checked once, however many they are.
-- What balances only together with another statement is noted in transactions_unbalanced, and checked at the commit.
--
-- The functions keep a plan for the connection, made when the tables may have had a few rows: a sequential scan, which
-- would be repeated for each journal until statistics are collected (20 million rows read while 5,000 orders settled).
CREATE OR REPLACE FUNCTION ensure_journal_is_open() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    unbalanced bigint[];
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT journal_id FROM added) AS changed
        LEFT JOIN transactions_journal journal ON journal.id = changed.journal_id
        WHERE journal.posted_in IS DISTINCT FROM pg_current_xact_id()
    ) THEN
        RAISE EXCEPTION 'entries are added by the transaction that inserts their journal'
            USING ERRCODE = 'check_violation';
    END IF;
    unbalanced := ARRAY(SELECT journal_id FROM added GROUP BY journal_id, currency HAVING sum(amount_cents) <> 0);
    IF unbalanced <> '{}' THEN
        INSERT INTO transactions_unbalanced SELECT unnest(unbalanced) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER journal_is_open AFTER INSERT ON transactions_entry REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION ensure_journal_is_open();

-- At the end of the statement, after its entries are inserted, too.
CREATE OR REPLACE FUNCTION ensure_journal_has_entries() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    empty bigint[];
BEGIN
    empty := ARRAY(SELECT id FROM added WHERE NOT EXISTS (
        SELECT FROM transactions_entry WHERE id >= added.id * 8 AND id < added.id * 8 + 8
    ));
    IF empty <> '{}' THEN
        INSERT INTO transactions_unbalanced SELECT unnest(empty) ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER journal_has_entries AFTER INSERT ON transactions_journal REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION ensure_journal_has_entries();

-- Called at the commit by the constraint trigger journal_balances (migration 0016), for each row that was noted: of a
-- journal without entries as of one with debits and credits that differ in some currency.
CREATE OR REPLACE FUNCTION ensure_journal_balances() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF NOT coalesce((
        SELECT bool_and(balance_cents = 0) FROM (
            SELECT sum(amount_cents) AS balance_cents FROM transactions_entry
            WHERE id >= NEW.journal_id * 8 AND id < NEW.journal_id * 8 + 8 GROUP BY currency
        ) AS by_currency
    ), false) THEN
        RAISE EXCEPTION 'the debits and credits of journal % differ', NEW.journal_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_balances';
    END IF;
    DELETE FROM transactions_unbalanced WHERE journal_id = NEW.journal_id;
    RETURN NULL;
END $$;
