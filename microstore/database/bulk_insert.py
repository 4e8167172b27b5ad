"""Storing many rows by one statement, past model instances: making those costs more than storing the rows."""

import json
from collections.abc import Sequence
from typing import Any, Protocol

from django.db import connection, models


class Row(Protocol):
    """A NamedTuple whose fields are columns of the table."""

    @property
    def _fields(self) -> tuple[str, ...]: ...

    def _asdict(self) -> dict[str, Any]: ...


def insert_new(model: type[models.Model], rows: Sequence[Row], *, key: str) -> set[Any]:
    """Insert those of the rows that no unique constraint forbids; returns the `key` of each that is new."""
    if not rows:
        return set()
    table, columns = model._meta.db_table, ", ".join(rows[0]._fields)
    insert = f"""
        INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s)
        ON CONFLICT DO NOTHING RETURNING {key}
    """  # noqa: S608  # names of ours
    told = json.dumps([row._asdict() for row in rows], default=str)  # one parameter, however many rows
    with connection.cursor() as cursor:
        cursor.execute(insert, [told])
        return {stored for (stored,) in cursor.fetchall()}
