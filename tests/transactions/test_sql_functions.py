"""The functions in the database are those of the .sql files, and no others."""

import re
from pathlib import Path

import pytest
from django.db import connection, transaction

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("transactions/**/*.sql"), *ROOT.glob("microstore/**/*.sql")])
FUNCTIONS = """
SELECT pg_proc.oid::regprocedure::text, prosrc FROM pg_proc JOIN pg_language ON pg_language.oid = prolang
WHERE pronamespace = 'public'::regnamespace AND lanname IN ('plpgsql', 'sql')
"""


def read_functions() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(FUNCTIONS)
        return dict(cursor.fetchall())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_is_what_the_migrations_have_loaded(file: Path) -> None:
    loaded = read_functions()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(file.read_text())
        assert read_functions() == loaded, f"{file.name} has changed: a new migration has to load it."
        transaction.set_rollback(True)


def test_no_function_is_left_that_no_file_defines() -> None:
    defined = {
        name for file in FILES for name in re.findall(r"CREATE OR REPLACE FUNCTION (\w+)", file.read_text())
    }
    assert {name.partition("(")[0] for name in read_functions()} == defined
