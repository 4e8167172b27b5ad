"""Ids as they are in a shop that has sold for a while; a service's conftest imports the fixture."""

import pytest
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

APART = 1_000_000
SEQUENCES = "SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' ORDER BY sequencename"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """No table has an id of another one, nor a number that a test writes down: such a test passes by luck."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute(SEQUENCES)
        for number, (name,) in enumerate(cursor.fetchall(), start=1):
            cursor.execute("SELECT setval(%s::regclass, %s)", [name, number * APART])
