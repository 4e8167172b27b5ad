"""A database as it was at one moment, read only."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import environ
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

FETCH_ROWS = 5_000
CONNECT_TIMEOUT_SECONDS = 5
# Compiling these queries (jit) takes longer than running them; the server needs the memory for its joins.
BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL jit = off; SET LOCAL work_mem = '64MB'"

Value = UUID | datetime | str | int | list[UUID] | list[int]

Row = tuple[Any, ...]


class Snapshot:
    """One transaction on a connection of its own: every query sees the database as of `taken_at`."""

    taken_at: datetime

    def __init__(self, url: str) -> None:
        self._connection = open_connection(url)

    def __enter__(self) -> Self:
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery()")
            if cursor.fetchone() == (True,):
                self._connection.close()
                raise OperationalError("this is a standby, which may lag: audit the primary")
            cursor.execute(BEGIN)
            # PostgreSQL takes the snapshot at the first query, not at BEGIN. The time is the database's own:
            # the clock of the auditing host may be wrong.
            cursor.execute("SELECT clock_timestamp() FROM (SELECT count(*) FROM django_migrations) migrated")
            self.taken_at = cursor.fetchone()[0]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._connection.close()

    def all(self, sql: str, *parameters: Value) -> list[Row]:
        """Return all rows of a small result."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())

    def stream(self, sql: str, *parameters: Value) -> Iterator[Row]:
        """Yield the rows of a result of any size, holding FETCH_ROWS of them in memory."""
        with self._connection.chunked_cursor() as cursor:
            cursor.execute(sql, parameters)
            while rows := cursor.fetchmany(FETCH_ROWS):
                yield from rows

    def count(self, table: str, condition: str = "1 = 1", *parameters: Value) -> int:
        return int(self.all(f"SELECT count(*) FROM {table} WHERE {condition}", *parameters)[0][0])  # noqa: S608

    def ago(self, age: timedelta) -> datetime:
        """Return the moment so long before the snapshot was taken."""
        return self.taken_at - age


def open_connection(url: str) -> BaseDatabaseWrapper:
    """Return a connection outside of Django's `connections`, which hold this service's database alone."""
    config = environ.Env.db_url_config(url)
    config.setdefault("OPTIONS", {})["connect_timeout"] = CONNECT_TIMEOUT_SECONDS
    handler = ConnectionHandler({"default": {}, "audited": config})
    connection: BaseDatabaseWrapper = handler["audited"]
    return connection
