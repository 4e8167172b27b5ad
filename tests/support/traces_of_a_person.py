"""Everything that a database holds, searched for a word."""

from collections.abc import Callable
from typing import Any

from django.db import connection

COLUMNS = """
SELECT table_name, column_name FROM information_schema.columns
JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND data_type IN
    ('text', 'character varying', 'jsonb', 'json', 'bytea', 'inet', 'tsvector', 'ARRAY', 'USER-DEFINED')
"""
Query = Callable[..., list[tuple[Any, ...]]]


def find_traces(*words: str) -> set[str]:
    """The columns of this service's database, as `table.column`, in which one of the words stands."""
    return find_traces_by(_query, *words)


def find_traces_by(query: Query, *words: str) -> set[str]:
    """The same of the database that `query` runs SQL in; upper and lower case are one."""
    patterns = [f"%{word}%" for word in words]
    searches = []
    for table, column in query(COLUMNS):
        text = f"encode({column}, 'escape')" if column == "raw_body" else f'"{column}"::text'
        searches.append(f"(SELECT '{table}.{column}' FROM \"{table}\" WHERE {text} ILIKE ANY(%s) LIMIT 1)")
    # One statement: `query` may connect for each.
    return {name for (name,) in query(" UNION ALL ".join(searches), *[patterns] * len(searches))}


def _query(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return list(cursor.fetchall())
