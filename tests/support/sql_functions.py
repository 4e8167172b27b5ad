"""The functions in the database, and the .sql files that define them."""

import re
from pathlib import Path

from django.db import connection, transaction

ROOT = Path(__file__).parents[2]
FUNCTIONS = """
SELECT pg_proc.oid::regprocedure::text, prosrc || coalesce(proconfig::text, '')
FROM pg_proc JOIN pg_language ON pg_language.oid = prolang
WHERE pronamespace = 'public'::regnamespace AND lanname IN ('plpgsql', 'sql')
"""


def files_of(service: str) -> list[Path]:
    """The files of the service, and those that both have."""
    return sorted(file for package in (service, "microstore") for file in ROOT.glob(f"{package}/**/*.sql"))


def read_functions() -> dict[str, str]:
    """Text and settings of each function, by its signature."""
    with connection.cursor() as cursor:
        cursor.execute(FUNCTIONS)
        return dict(cursor.fetchall())


def assert_loaded(file: Path) -> None:
    """The file, run once more, must change nothing."""
    loaded = read_functions()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(file.read_text())
        assert read_functions() == loaded, f"{file.name} has changed: a new migration has to load it."
        transaction.set_rollback(True)


def assert_defined(functions: set[str], files: list[Path]) -> None:
    """These functions, by signature, must be those that the files define."""
    defined = {
        name for file in files for name in re.findall(r"CREATE OR REPLACE FUNCTION (\w+)", file.read_text())
    }
    assert {function.partition("(")[0] for function in functions} == defined
