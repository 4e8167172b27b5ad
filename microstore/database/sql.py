"""What a migration says to PostgreSQL in SQL, and to no other database."""

from typing import Any

from django.db.migrations.operations import RunPython


def on_postgresql(forwards: str, backwards: str) -> RunPython:
    """The statements, and those that take them back. SQLite has no functions, and is left as it is."""

    def saying(sql: str) -> Any:
        def say(_apps: Any, schema_editor: Any) -> None:
            if schema_editor.connection.vendor == "postgresql":
                schema_editor.execute(sql)

        return say

    return RunPython(saying(forwards), saying(backwards))
