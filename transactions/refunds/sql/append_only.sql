-- Refunds are decided once, as the ledger's rows are written once: see ledger/sql/append_only.sql.
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE ON transactions_refund
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
