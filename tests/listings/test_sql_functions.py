"""The functions and indexes in the database are those of the .sql files and models, and no others."""

from pathlib import Path

import pytest
from django.db import connection

from listings.models import Listing
from tests.support.sql_functions import assert_defined, assert_loaded, files_of, read_functions

pytestmark = pytest.mark.django_db

FILES = files_of("listings")


# Called by the release before this one, whose processes run beside ours while it is replaced: the next one
# drops them from the database and from this list.
OF_THE_RELEASE_BEFORE = {
    "place_order(jsonb,text,text,text)",
    "place_orders(jsonb[],text[],text[],text)",
    "place_checkout(integer,uuid,text,text,jsonb)",
}
INDEXES_OF_THE_RELEASE_BEFORE = {"listing_words", "listing_price"}


def read_indexes() -> dict[str, str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'listings_listing'")
        return dict(cursor.fetchall())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_is_what_the_migrations_have_loaded(file: Path) -> None:
    assert_loaded(file)


def test_no_function_is_left_that_no_file_defines() -> None:
    assert_defined(read_functions().keys() - OF_THE_RELEASE_BEFORE, FILES)
    assert read_functions().keys() >= OF_THE_RELEASE_BEFORE


def test_the_release_before_still_has_its_indexes_while_it_is_replaced() -> None:
    """They are in no model any more, so the next release has to drop them from the database by SQL."""
    stated = {index.name for index in Listing._meta.indexes}
    assert stated.isdisjoint(INDEXES_OF_THE_RELEASE_BEFORE)
    assert read_indexes().keys() >= INDEXES_OF_THE_RELEASE_BEFORE | stated


def test_a_purchase_writes_no_index_of_the_listings() -> None:
    """It changes `available` alone; indexes of a row are written only when a column of one changes."""
    assert [name for name, definition in read_indexes().items() if "available" in definition] == []
