"""Storing rows past the models: the new ones are stored and told, the others stay as they are."""

from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from django.db import DataError, transaction
from pytest_django import DjangoAssertNumQueries

from microstore.database.bulk_insert import insert_new
from microstore.messaging.models import DeadLetter

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


class Letter(NamedTuple):
    fingerprint: str
    error: str = "It's 5 o'clock; 100 % sure \\ \"really\" — ✉"
    payload: dict[str, object] | None = None
    headers: dict[str, object] = {}  # never changed
    traceback: str = ""
    attempts: int = 3
    trace: str = ""
    state: str = "waiting"
    contract: str = "order_created"
    decided_by: str = ""
    created_at: datetime = NOON
    died_at: datetime = NOON


def stored() -> dict[str, str]:
    return dict(DeadLetter.objects.values_list("fingerprint", "error"))


def test_what_is_new_is_stored_and_told() -> None:
    assert insert_new(DeadLetter, [Letter("a", error="first"), Letter("b")], key="fingerprint") == {"a", "b"}
    assert insert_new(DeadLetter, [Letter("a", error="second"), Letter("c")], key="fingerprint") == {"c"}
    assert stored() == {"a": "first", "b": Letter("b").error, "c": Letter("c").error}


def test_each_value_comes_back_as_it_was() -> None:
    payload = {"text": 'it\'s %s \\u0041 ✉ "quoted"', "list": [1, None, {"deep": True}], "big": 2**60}
    insert_new(DeadLetter, [Letter("a", payload=payload)], key="fingerprint")
    letter = DeadLetter.objects.get()
    assert (letter.error, letter.payload, letter.headers) == (Letter("a").error, payload, {})
    assert (letter.attempts, letter.decided_at) == (3, None)


def test_nothing_to_store_asks_the_database_nothing() -> None:
    assert insert_new(DeadLetter, [], key="fingerprint") == set()


def test_many_rows_are_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        insert_new(DeadLetter, [Letter(str(number)) for number in range(500)], key="fingerprint")
    assert len(stored()) == 500


def test_what_does_not_fit_stores_nothing() -> None:
    rows = [Letter("good"), Letter("bad", contract="x" * 101)]
    with pytest.raises(DataError, match="too long"), transaction.atomic():
        insert_new(DeadLetter, rows, key="fingerprint")
    assert stored() == {}
