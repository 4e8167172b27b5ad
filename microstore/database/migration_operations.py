"""Migration operations: loading SQL functions from the files that hold their text."""

from pathlib import Path

from django.db.migrations.operations import RunSQL


def load_sql(file: Path) -> RunSQL:
    """Return the operation that runs the file; its statements must be CREATE OR REPLACE.

    The file holds the present text of a function: a migration from the first one on loads today's. PL/pgSQL
    looks its tables and columns up when it is called, so these may be made by later migrations.
    """
    return RunSQL(file.read_text(encoding="utf-8"), RunSQL.noop)
