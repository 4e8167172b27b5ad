"""A seller's commission is set by the fee function, frozen with the sale, and refunded in proportion."""

import json
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Sum
from hypothesis import given
from hypothesis import strategies as some
from rest_framework.test import APIClient

from fees import handler
from fees.schedule_parser import parse_schedule
from microstore.contracts.transactions import OrderCreated
from microstore.staff.models import StaffAction
from tests.support.fee_post import FeePost
from tests.support.messages import CURRENCIES, order_cancelled, order_created, refund_requested
from tests.support.roles import client_as
from transactions import tasks
from transactions.ledger.models import Entry
from transactions.models import SellerTier, Transaction
from transactions.refunds.models import Refund
from transactions.refunds.shares import commission_share_cents

pytestmark = pytest.mark.django_db

ALICE, BOB = 1, 2
RULE = {
    "percentage_bps": 500,
    "fixed_cents": 25,
    "minimum_cents": 30,
    "maximum_cents": 25_000,
    "commission_bps": 1_000,
    "commission_bps_of_tiers": {"gold": 250},
}


@pytest.fixture(autouse=True)
def commissioned(fee_post: FeePost, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fee function takes a tenth of the price, and a fortieth of gold sellers'."""
    rules = {code: {"minor_unit_digits": 2, "default": RULE} for code in CURRENCIES}
    schedule = {"version": "v1", "default_currency": "EUR", "currencies": rules}
    monkeypatch.setattr(handler, "SCHEDULE", parse_schedule(json.dumps(schedule)))


def sell(currency: str = "EUR", unit_price_cents: int = 10_000, seller_id: int = ALICE) -> OrderCreated:
    order = order_created(
        currency=currency, unit_price_cents=unit_price_cents, seller_id=seller_id, buyer_id=BOB
    )
    tasks.order_created([order])
    return order


def sums() -> dict[str, int]:
    accounts = Entry.objects.values_list("account").annotate(Sum("amount_cents"))
    return {account: amount for account, amount in accounts if amount}


def check_deferred() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize("currency", CURRENCIES)
def test_a_seller_gets_the_price_without_the_commission(currency: str) -> None:
    sell(currency)
    assert sums() == {"receivable": 10_525, "payable": -9_000, "fee_income": -525, "commission": -1_000}
    assert Transaction.objects.get().commission_cents == 1_000
    check_deferred()


def test_a_commission_is_by_the_tier_that_the_seller_has_when_it_is_recorded() -> None:
    SellerTier.objects.create(seller_id=ALICE, tier="gold")
    order = sell()
    SellerTier.objects.all().delete()
    tasks.order_created([order])
    sell(seller_id=7)
    assert list(Transaction.objects.order_by("id").values_list("commission_cents", flat=True)) == [250, 1_000]


@pytest.mark.parametrize("currency", CURRENCIES)
@pytest.mark.parametrize("price", [10_000, 9_999, 3])
def test_refunds_in_parts_add_up_to_the_commission(currency: str, price: int) -> None:
    order = sell(currency, unit_price_cents=price)
    total = Transaction.objects.get().total_cents
    assert total
    for amount in (total // 3, total // 3, total - 2 * (total // 3)):
        tasks.refund_requested([refund_requested(order, amount)])
    refunded = Refund.objects.aggregate(Sum("commission_cents"))["commission_cents__sum"]
    assert refunded == Transaction.objects.get().commission_cents
    assert sums() == {}
    check_deferred()


def test_a_void_gives_the_commission_back() -> None:
    tasks.order_cancelled([order_cancelled(sell())])
    assert sums() == {}
    check_deferred()


def test_all_of_the_price_may_be_commission(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {"EUR": {"minor_unit_digits": 2, "default": RULE | {"commission_bps": 10_000}}}
    schedule = {"version": "v1", "default_currency": "EUR", "currencies": rules}
    monkeypatch.setattr(handler, "SCHEDULE", parse_schedule(json.dumps(schedule)))
    order = sell()
    assert "payable" not in sums()
    for amount in (5_001, 3, 5_521):
        assert tasks.refund_requested([refund_requested(order, amount)])
    assert sums() == {}
    check_deferred()


@given(
    price=some.integers(1, 10**12),
    bps=some.integers(0, 10_000),
    parts=some.lists(some.floats(0, 1), max_size=8),
)
def test_a_seller_never_gives_back_less_than_nothing(price: int, bps: int, parts: Sequence[float]) -> None:
    commission = price * bps // 10_000
    steps = sorted({0, price, *(int(price * part) for part in parts)})
    shares = [
        commission_share_cents(
            after - before, before_cents=before, commission_cents=commission, price_cents=price
        )
        for before, after in pairwise(steps)
    ]
    assert sum(shares) == commission
    assert all(
        0 <= share <= after - before for share, (before, after) in zip(shares, pairwise(steps), strict=True)
    )


def test_the_commission_is_shown_to_the_seller_alone(client_of: Callable[[int], APIClient]) -> None:
    sell()
    for path in ("/api/transactions/", f"/api/transactions/{Transaction.objects.get().pk}/"):
        shown = [client_of(user).get(path).json() for user in (ALICE, BOB)]
        of_each = [each["results"][0] if "results" in each else each for each in shown]
        assert [each["commission_cents"] for each in of_each] == [1_000, None]
        assert "commission" not in json.dumps(of_each[1]["fee_breakdown"])


def test_no_statement_stores_a_commission_above_the_price() -> None:
    sell()
    for change in ("price_cents + 1", "-1"):
        refused = pytest.raises((IntegrityError, DataError), match="check")
        with refused, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE transactions_transaction SET commission_cents = {change}")


def test_a_tier_stays_its_sellers_and_is_another_one_when_it_is_changed() -> None:
    client, page = client_as("finance"), "/admin/transactions/sellertier/7/change/"
    SellerTier.objects.create(seller_id=7, tier="gold")
    assert client.post(page, {"seller_id": "8", "tier": "silver"}).status_code == 302
    assert list(SellerTier.objects.values_list("seller_id", "tier")) == [(7, "silver")]


def test_finance_sets_a_tier_and_it_is_recorded() -> None:
    client = client_as("finance")
    fields = {"seller_id": "7", "tier": "gold"}
    assert client.post("/admin/transactions/sellertier/add/", fields).status_code == 302
    assert SellerTier.objects.get().tier == "gold"
    assert StaffAction.objects.filter(action="added", target="seller tier 7").exists()
    assert (
        client.post("/admin/transactions/sellertier/add/", {"seller_id": "8", "tier": "Gold"}).status_code
        == 200
    )
    page = client.get("/admin/transactions/sellertier/", {"q": "7"})
    assert [each.seller_id for each in page.context["cl"].result_list] == [7]
