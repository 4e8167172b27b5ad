-- Who may what in the database of a service. psql runs it as the owner of its tables, connected to it, before the
-- first migration and as often as one likes; Compose does so for a new database, `make up` at each start.
-- What it grants of tables that are there already comes with the next `migrate`.
--
--   microstore          owns the tables: `migrate` alone logs in with it
--   microstore_app      the service's processes: reads and writes rows, changes no table
--   microstore_notifications   the notifications worker: a few columns, where a password for it is given
--   microstore_webhooks        worker and sender of webhooks, likewise
--   microstore_reader   `audit`, reports, a person who looks: reads what nobody can log in with, and can do nothing else
\set ON_ERROR_STOP on
\getenv app_password MICROSTORE_APP_PASSWORD
\getenv reader_password MICROSTORE_READER_PASSWORD

SELECT format('CREATE ROLE %I', name)
FROM (VALUES ('microstore_app'), ('microstore_reader')) AS wanted (name)
WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec

ALTER ROLE microstore_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'app_password';
ALTER ROLE microstore_reader LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'reader_password';
ALTER ROLE microstore_reader SET default_transaction_read_only = on;

REVOKE ALL ON DATABASE :"DBNAME" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"DBNAME" TO microstore_app, microstore_reader;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO microstore_app, microstore_reader;

-- Of tables that the owner's migrations make from now on; `migrate` then says more: microstore/database/sql/rights.sql.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO microstore_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO microstore_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM microstore_reader;

-- In the listings' database alone.
\getenv notifications_password MICROSTORE_NOTIFICATIONS_PASSWORD
\if :{?notifications_password}
    SELECT 'CREATE ROLE microstore_notifications'
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'microstore_notifications') \gexec
    ALTER ROLE microstore_notifications LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'notifications_password';
    GRANT CONNECT ON DATABASE :"DBNAME" TO microstore_notifications;
    GRANT USAGE ON SCHEMA public TO microstore_notifications;
\endif

\getenv webhooks_password MICROSTORE_WEBHOOKS_PASSWORD
\if :{?webhooks_password}
    SELECT 'CREATE ROLE microstore_webhooks'
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'microstore_webhooks') \gexec
    ALTER ROLE microstore_webhooks LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'webhooks_password';
    GRANT CONNECT ON DATABASE :"DBNAME" TO microstore_webhooks;
    GRANT USAGE ON SCHEMA public TO microstore_webhooks;
\endif

-- A machine that is gone sends no word: by the kernel's defaults the rows that its transactions have locked stay so for two
-- hours. Here ten seconds of silence end a session, as they do on the other side: microstore/database/timeouts.py.
SELECT format('ALTER ROLE %I SET %s = %s', rolname, name, value)
FROM pg_roles,
    (VALUES ('tcp_keepalives_idle', 4), ('tcp_keepalives_interval', 2), ('tcp_keepalives_count', 3),
            ('tcp_user_timeout', 10000)) AS wanted (name, value)
WHERE rolname IN ('microstore_app', 'microstore_notifications', 'microstore_webhooks', 'microstore_reader') \gexec
