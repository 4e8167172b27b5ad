-- What a bank's statement has is written once: see ledger/sql/append_only.sql.
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON transactions_statementline
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
