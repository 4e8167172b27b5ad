"""Holding a process at an exact point of its work, from outside: PostgreSQL does not end its statement."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg2

from stack.waiting import wait_until

HOLD, ONE = 4712, 4711


@dataclass
class Held:
    """A statement that waits until the test lets it go on."""

    wait: Callable[[], None]
    let_go: Callable[[], None]


@contextmanager
def held_statement(url: str, *, when: str, table: str, where: str = "") -> Iterator[Held]:
    """Hold up the first such statement, `BEFORE DELETE` or `AFTER INSERT`, or the first such row."""
    rows = f"ROW WHEN ({where})" if where else "STATEMENT"
    with _held(url, f"CREATE TRIGGER hold {when} ON {table} FOR EACH {rows}", table) as held:
        yield held


@contextmanager
def held_commit(url: str, *, table: str, after: str = "INSERT", where: str = "true") -> Iterator[Held]:
    """Hold up the first COMMIT of such rows in the table. Once let go, it commits, come what may."""
    rule = (
        f"CREATE CONSTRAINT TRIGGER hold AFTER {after} ON {table} DEFERRABLE INITIALLY DEFERRED"
        f" FOR EACH ROW WHEN ({where})"
    )
    with _held(url, rule, table) as held:
        yield held


@contextmanager
def _held(url: str, trigger: str, table: str) -> Iterator[Held]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("SET lock_timeout = '20s'")
    cursor.execute("SELECT pg_advisory_lock(%s)", [HOLD])
    cursor.execute(
        "CREATE OR REPLACE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF pg_try_advisory_xact_lock({ONE}) THEN PERFORM pg_advisory_xact_lock_shared({HOLD}); END IF;"
        " RETURN NULL; END $$"
    )
    cursor.execute(f"{trigger} EXECUTE FUNCTION hold()")

    def is_held() -> bool:
        # By the number of the lock: relays and senders wait for advisory locks of their own.
        cursor.execute(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted", [HOLD]
        )
        return cursor.fetchone() is not None

    def wait() -> None:
        assert wait_until(is_held, timeout_seconds=60), f"nothing came to: {trigger}"

    def let_go() -> None:
        cursor.execute("SELECT pg_advisory_unlock_all()")
        assert wait_until(lambda: not is_held(), timeout_seconds=30)

    try:
        yield Held(wait, let_go)
    finally:
        let_go()
        cursor.execute(f"DROP TRIGGER hold ON {table}")
        connection.close()
