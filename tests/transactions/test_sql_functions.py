"""The functions in the database are those of the .sql files, and no others."""

from pathlib import Path

import pytest

from tests.support.sql_functions import assert_defined, assert_loaded, files_of, read_functions

pytestmark = pytest.mark.django_db

FILES = files_of("transactions")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_is_what_the_migrations_have_loaded(file: Path) -> None:
    assert_loaded(file)


def test_no_function_is_left_that_no_file_defines() -> None:
    assert_defined(set(read_functions()), FILES)
