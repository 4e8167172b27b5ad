-- The reason of a refund may be emptied (append_only.sql); run as the tables' owner after `migrate`.
DO $rights$
BEGIN
    -- Servers that somebody else runs may have one user for everything.
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'microstore_app') THEN
        GRANT UPDATE (reason) ON transactions_refund TO microstore_app;
    END IF;
END
$rights$
