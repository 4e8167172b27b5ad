"""The processes of a service change no table, and who only reads changes nothing."""

import psycopg2
import pytest

from stack.places import ROOT
from stack.servers.postgresql import APP, READER, PostgreSQL
from stack.servers.private import RealServers
from tests.stack.test_servers import run_sql

RIGHTS = (ROOT / "microstore/database/sql/rights.sql").read_text()
INSERT = "INSERT INTO chairs (title) VALUES ('crunchy armchair') RETURNING id"


@pytest.fixture
def database(services: RealServers) -> PostgreSQL:
    """A database in which the owner has made a table, after the roles were made."""
    database = services.listings_db
    run_sql(database.url, "CREATE TABLE IF NOT EXISTS chairs (id bigserial PRIMARY KEY, title text)")
    return database


def test_the_processes_write_rows(database: PostgreSQL) -> None:
    [(chair,)] = run_sql(database.url_of(APP), INSERT)
    for statement in ("UPDATE chairs SET title = 'lamp' WHERE id = %s", "DELETE FROM chairs WHERE id = %s"):
        assert run_sql(database.url_of(APP), f"{statement} RETURNING id" % chair) == [(chair,)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE lamps (id int)",
        "ALTER TABLE chairs ADD COLUMN colour text",
        "DROP TABLE chairs",
        "TRUNCATE chairs",
        "CREATE ROLE somebody",
        "SELECT pg_read_file('postgresql.conf')",
    ],
)
def test_the_processes_change_no_table(database: PostgreSQL, statement: str) -> None:
    with pytest.raises(psycopg2.ProgrammingError, match=r"permission denied|must be owner"):
        run_sql(database.url_of(APP), statement)


def test_a_reader_reads_what_migrate_has_granted_and_nothing_before(database: PostgreSQL) -> None:
    run_sql(database.url, INSERT)
    run_sql(database.url, "REVOKE ALL ON chairs FROM microstore_reader")
    with pytest.raises(psycopg2.ProgrammingError, match="permission denied"):
        run_sql(database.url_of(READER), "SELECT title FROM chairs")
    run_sql(database.url, RIGHTS)
    assert run_sql(database.url_of(READER), "SELECT title FROM chairs")


@pytest.mark.parametrize(
    "statement", [INSERT, f"SET default_transaction_read_only = off; COMMIT; {INSERT}", "DELETE FROM chairs"]
)
def test_a_reader_writes_nothing(database: PostgreSQL, statement: str) -> None:
    with pytest.raises(psycopg2.Error, match=r"permission denied|read-only transaction"):
        run_sql(database.url_of(READER), statement)
