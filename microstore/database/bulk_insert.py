"""Inserts many rows by one statement, without model instances, which cost more than the insert itself."""

from collections.abc import Sequence
from typing import Any, Protocol

from django.db import connection, models
from pydantic_core import to_json


class Row(Protocol):
    """A NamedTuple whose fields are columns of the table."""

    @property
    def _fields(self) -> tuple[str, ...]: ...

    def _asdict(self) -> dict[str, Any]: ...


def insert_new(model: type[models.Model], rows: Sequence[Row], *, key: str) -> set[Any]:
    """Insert the rows that violate no unique constraint; return the `key` of each inserted one."""
    if not rows:
        return set()
    table, columns = model._meta.db_table, ", ".join(rows[0]._fields)
    # A second delivery of the same messages conflicts with its own rows and inserts nothing.
    insert = f"""
        INSERT INTO {table} ({columns}) SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s)
        ON CONFLICT DO NOTHING RETURNING {key}
    """  # noqa: S608  # names of ours
    # One parameter for any number of rows: the statement's text stays the same, and so does its plan.
    with connection.cursor() as cursor:
        cursor.execute(insert, [as_json(rows)])
        return {inserted for (inserted,) in cursor.fetchall()}


def as_json(rows: Sequence[Row]) -> str:
    """Return the rows as a JSON array of objects, for `json_populate_recordset`."""
    # Three times as fast as `json`, which calls back for each UUID and time (measured).
    return to_json([row._asdict() for row in rows]).decode()
