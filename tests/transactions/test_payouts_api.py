"""Sellers read their payouts by the API, where the events of their webhooks lead."""

from collections.abc import Callable

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from tests.support.problem import read_problem
from tests.transactions.payees import give_account, payees, prepare, sell
from transactions.payouts.models import Payout

__all__ = ["payees"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("payees")]

ALICE, BOB = 4, 5
LIST = "/api/payouts/"


@pytest.fixture
def payout() -> Payout:
    """Alice's, prepared."""
    sell(ALICE)
    give_account(ALICE)
    prepare()
    return Payout.objects.get()


def test_a_seller_sees_a_payout_and_nobody_else_does(
    client_of: Callable[[int], APIClient], payout: Payout
) -> None:
    expected = {
        "id": str(payout.pk),
        "status": "prepared",
        "currency": "EUR",
        "amount_cents": 5_000,
        "bank_account": "DE•• 3000",
        "created_at": payout.created_at.isoformat().replace("+00:00", "Z"),
        "sent_at": None,
        "settled_at": None,
        "returned_at": None,
    }
    assert client_of(ALICE).get(f"{LIST}{payout.pk}/").json() == expected
    assert client_of(ALICE).get(LIST).json()["results"] == [expected]
    read_problem(client_of(BOB).get(f"{LIST}{payout.pk}/"), 404)
    assert client_of(BOB).get(LIST).json()["results"] == []


def test_payouts_are_filtered_and_a_page_is_one_query(
    client_of: Callable[[int], APIClient],
    payout: Payout,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for currency in ("JPY", "KWD"):
        sell(ALICE, currency=currency)
    prepare()
    with django_assert_num_queries(1):
        listed = client_of(ALICE).get(LIST).json()["results"]
    assert [each["currency"] for each in listed] == ["KWD", "JPY", "EUR"]
    for query, count in (("currency=EUR", 1), ("status=prepared", 3), ("status=paid", 0)):
        assert len(client_of(ALICE).get(f"{LIST}?{query}").json()["results"]) == count
    read_problem(client_of(ALICE).get(f"{LIST}?status=lost"), 400)


@pytest.mark.parametrize("payout_id", ["-" * 36, "1", "f" * 36])
def test_a_payout_that_never_was_cannot_be_found(
    client_of: Callable[[int], APIClient], payout_id: str
) -> None:
    read_problem(client_of(ALICE).get(f"{LIST}{payout_id}/"), 404)
