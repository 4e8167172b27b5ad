"""A database as it was at one moment, to read only: PostgreSQL, or SQLite in the embedded run."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote
from uuid import UUID

import environ
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler
from django.utils import timezone

FETCH_ROWS = 5_000
CONNECT_TIMEOUT_SECONDS = 5
BEGIN = {
    # Compiling these questions takes longer than answering them; the memory is for joins, in the server.
    "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
    " SET LOCAL jit = off; SET LOCAL work_mem = '64MB'",
    "sqlite": "BEGIN",
}

Value = UUID | datetime | str | int | list[UUID]

Row = tuple[Any, ...]


class Snapshot:
    """One transaction on a connection of its own: every question is answered as of `taken_at`."""

    def __init__(self, url: str) -> None:
        self._connection = open_connection(url)
        self.taken_at = timezone.now()
        self.can_hash = self._connection.vendor == "postgresql"

    def __enter__(self) -> Self:
        """Take it now: databases do so at the first read, not at BEGIN."""
        with self._connection.cursor() as cursor:
            cursor.execute(BEGIN[self._connection.vendor])
            cursor.execute("SELECT 1 FROM django_migrations LIMIT 1")
        self.taken_at = timezone.now()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._connection.close()

    def all(self, sql: str, *parameters: Value) -> list[Row]:
        """All rows of a small answer."""
        with self._connection.cursor() as cursor:
            cursor.execute(sql, [self._adapt(value) for value in parameters])
            return list(cursor.fetchall())

    def stream(self, sql: str, *parameters: Value) -> Iterator[Row]:
        """The rows of an answer of any size, some thousand at a time."""
        with self._connection.chunked_cursor() as cursor:
            cursor.execute(sql, [self._adapt(value) for value in parameters])
            while rows := cursor.fetchmany(FETCH_ROWS):
                yield from rows

    def count(self, table: str, condition: str = "1 = 1", *parameters: Value) -> int:
        """How many rows there are."""
        return int(self.all(f"SELECT count(*) FROM {table} WHERE {condition}", *parameters)[0][0])  # noqa: S608

    def ago(self, age: timedelta) -> datetime:
        """The moment that was so long before the snapshot."""
        return self.taken_at - age

    def _adapt(self, value: Value) -> Any:
        if isinstance(value, datetime):
            return self._connection.ops.adapt_datetimefield_value(value)
        if isinstance(value, UUID) and not self._connection.features.has_native_uuid_field:
            return value.hex
        return value


def open_connection(url: str) -> BaseDatabaseWrapper:
    """A connection outside Django's own `connections`, which know this service's database alone."""
    config = environ.Env.db_url_config(url)
    if "sqlite" in config["ENGINE"]:
        # Read-write, for a reader of a WAL file needs its index; but nothing is created or changed.
        config["NAME"] = f"file:{quote(str(Path(config['NAME']).resolve()))}?mode=rw"
        config["OPTIONS"] = {"timeout": 20, "init_command": "PRAGMA query_only = ON"}
    else:
        config.setdefault("OPTIONS", {})["connect_timeout"] = CONNECT_TIMEOUT_SECONDS
    handler = ConnectionHandler({"default": {}, "audited": config})
    connection: BaseDatabaseWrapper = handler["audited"]
    return connection
