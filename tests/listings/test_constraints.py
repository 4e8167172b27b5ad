"""What the database itself refuses, whatever the code above it does."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, connection
from django.db.models import ProtectedError
from uuid_utils.compat import uuid7

from listings.models import Listing, LiveEvent, Order

pytestmark = pytest.mark.django_db


def run_sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


@pytest.fixture
def order(bob: User, armchair: Listing) -> Order:
    return make_order(bob, armchair)


def make_order(buyer: User, listing: Listing, **fields: Any) -> Order:
    given = {"quantity": 1, "unit_price_cents": 24_900, "currency": "EUR"}
    return Order.objects.create(buyer=buyer, listing=listing, **(given | fields))


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("available = available - 2", "listing_never_oversold|listings_listing_available_check"),
        ("available = available + 1", "listing_available_in_quantity"),
        ("quantity = 0, available = 0", "listing_quantity_positive"),
        ("price_cents = 0", "listing_price_positive"),
    ],
)
def test_no_statement_breaks_a_listing(armchair: Listing, change: str, constraint: str) -> None:
    with pytest.raises(IntegrityError, match=constraint):
        run_sql(f"UPDATE listings_listing SET {change} WHERE id = %s", armchair.pk)


@pytest.mark.parametrize(
    "change", ["", ", fee_cents = 1, total_cents = 2", f", transaction_id = '{uuid7()}', fee_cents = 1"]
)
def test_no_order_is_completed_without_its_transaction(order: Order, change: str) -> None:
    with pytest.raises(IntegrityError, match="order_completed_has_transaction"):
        run_sql(f"UPDATE listings_order SET status = 'completed' {change} WHERE id = %s", order.pk)


def test_no_order_is_of_nothing(order: Order) -> None:
    with pytest.raises(IntegrityError, match="order_quantity_positive"):
        run_sql("UPDATE listings_order SET quantity = 0 WHERE id = %s", order.pk)


def test_no_two_orders_of_a_buyer_have_one_key(bob: User, armchair: Listing) -> None:
    make_order(bob, armchair, idempotency_key="click")
    with pytest.raises(IntegrityError, match="order_once_per_key"):
        make_order(bob, armchair, idempotency_key="click")


def test_orders_of_other_buyers_and_orders_without_keys_are_free(
    bob: User, armchair: Listing, make_user: Callable[..., User]
) -> None:
    for buyer, key in ((bob, "click"), (make_user(), "click"), (bob, None), (bob, None)):
        make_order(buyer, armchair, idempotency_key=key)
    assert Order.objects.count() == 4


def test_no_order_is_told_twice_in_the_live_feed(order: Order) -> None:
    event = {"type": "item_sold", "order_id": order.pk, "listing_id": order.listing_id, "payload": {}}
    LiveEvent.objects.create(**event)
    with pytest.raises(IntegrityError, match="live_event_once_per_order"):
        LiveEvent.objects.create(**event)


def test_nobody_who_bought_or_sold_can_be_deleted(order: Order) -> None:
    for kept in (order.buyer, order.listing.seller, order.listing):
        with pytest.raises(ProtectedError):
            kept.delete()


@pytest.mark.parametrize("value", [2**63, -1])
def test_no_price_overflows(armchair: Listing, value: int) -> None:
    with pytest.raises(DatabaseError):
        run_sql("UPDATE listings_listing SET price_cents = %s WHERE id = %s", value, armchair.pk)
