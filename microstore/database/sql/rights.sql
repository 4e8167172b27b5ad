-- Rights on the tables that are there, for the roles of deploy/postgresql/roles.sql; run as their owner after `migrate`.
--
--   microstore_app      all rows of all tables, but what staff did, and what is append-only, is added to and never changed
--   microstore_reader   reads all columns but those that would let it act as somebody: a session, a password's hash
DO $rights$
DECLARE
    readable record;
    appended regclass;
    elevated regprocedure;
BEGIN
    -- Servers that somebody else runs may have one user for everything.
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'microstore_app')
        OR NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'microstore_reader')
    THEN
        RETURN;
    END IF;

    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO microstore_app;
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO microstore_app;
    IF to_regclass('public.staff_staffaction') IS NOT NULL THEN
        REVOKE UPDATE, DELETE ON staff_staffaction FROM microstore_app;
    END IF;
    -- A table declares by a trigger of this name that its rows are written once.
    FOR appended IN SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'append_only' LOOP
        EXECUTE format('REVOKE UPDATE, DELETE ON %s FROM microstore_app', appended);
    END LOOP;
    -- Functions that act with the rights of the tables' owner are for the services alone.
    FOR elevated IN SELECT oid::regprocedure FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', elevated);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO microstore_app', elevated);
    END LOOP;

    -- Of the table as well as of its columns: a right of the table would count for all of them.
    REVOKE ALL ON ALL TABLES IN SCHEMA public FROM microstore_reader;
    FOR readable IN
        SELECT tables.table_name AS name, string_agg(quote_ident(columns.column_name), ', ') AS names
        FROM information_schema.tables JOIN information_schema.columns USING (table_schema, table_name)
        WHERE tables.table_schema = 'public' AND tables.table_type = 'BASE TABLE'
            AND tables.table_name <> 'django_session'
            -- A name like these is a secret until somebody shows that it is none.
            AND columns.column_name !~ '(password|secret|token|session|code_hash|private|^key$)'
        GROUP BY tables.table_name
    LOOP
        EXECUTE format('GRANT SELECT (%s) ON %I TO microstore_reader', readable.names, readable.name);
    END LOOP;
END
$rights$
