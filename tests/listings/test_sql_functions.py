"""The functions and indexes in the database are those of the .sql files and models, and no others."""

import re
from pathlib import Path

import pytest
from django.db import connection, transaction

from listings.models import Listing

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("listings/**/*.sql"), *ROOT.glob("microstore/**/*.sql")])


# Called by the release before this one, whose processes run beside ours while it is replaced: the next one
# drops them from the database and from this list.
OF_THE_RELEASE_BEFORE = {
    "place_order(jsonb,text,text,text)",
    "place_orders(jsonb[],text[],text[],text)",
    "place_checkout(integer,uuid,text,text,jsonb)",
}
INDEXES_OF_THE_RELEASE_BEFORE = {"listing_words", "listing_price"}
FUNCTIONS = """
SELECT pg_proc.oid::regprocedure::text, prosrc || coalesce(proconfig::text, '')
FROM pg_proc JOIN pg_language ON pg_language.oid = prolang
WHERE pronamespace = 'public'::regnamespace AND lanname IN ('plpgsql', 'sql')
"""


def read_functions() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute(FUNCTIONS)
        return dict(cursor.fetchall())


def read_indexes() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'listings_listing'")
        return dict(cursor.fetchall())


def names(functions: set[str]) -> set[str]:
    return {function.partition("(")[0] for function in functions}


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
    loaded = read_functions().keys() - OF_THE_RELEASE_BEFORE
    assert names(set(loaded)) == defined
    assert read_functions().keys() >= OF_THE_RELEASE_BEFORE


def test_the_release_before_still_has_its_indexes_while_it_is_replaced() -> None:
    """They are in no model any more, so the next release has to drop them from the database by SQL."""
    stated = {index.name for index in Listing._meta.indexes}
    assert stated.isdisjoint(INDEXES_OF_THE_RELEASE_BEFORE)
    assert read_indexes().keys() >= INDEXES_OF_THE_RELEASE_BEFORE | stated


def test_a_purchase_writes_no_index_of_the_listings() -> None:
    """It changes `available` alone; indexes of a row are written only when a column of one changes."""
    assert [name for name, definition in read_indexes().items() if "available" in definition] == []
