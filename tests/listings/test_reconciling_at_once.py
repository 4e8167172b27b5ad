"""Reconciling beside others: each other, the workers that settle orders, and buyers."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

from listings.buying.place import Purchase
from listings.buying.purchase import buy_listing
from listings.models import Order
from listings.settling import reconcile
from listings.settling.reconcile import resend_overdue
from microstore.telemetry.tracing import new_trace
from tests.listings.vanished import DEADLINE, PlaceOrder, place_order, resend, sent_orders
from tests.support.threads import run_at_once

__all__ = ["place_order"]
pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def locked(order: Order) -> Iterator[None]:
    """Another connection has the order locked, as a worker does that settles it."""
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("SELECT 1 FROM listings_order WHERE id = %s FOR UPDATE", [order.pk])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")  # who waits all the same fails, and does not hang
            yield
            cursor.execute("RESET lock_timeout")
    finally:
        other.rollback()
        other.close()


def test_an_order_that_is_being_settled_is_not_waited_for(place_order: PlaceOrder) -> None:
    busy, idle = place_order(minutes_ago=9), place_order(minutes_ago=3)
    with locked(busy):
        assert resend() == 1
        assert sent_orders() == [idle.pk]
    assert resend() == 1


def test_many_at_once_send_each_order_once(place_order: PlaceOrder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "CHUNK_ROWS", 5)
    orders = {place_order(minutes_ago=3).pk for _ in range(60)}
    assert sum(run_at_once(6, lambda _: resend())) == 60
    assert len(sent_orders()) == 60
    assert set(sent_orders()) == orders


def test_buyers_do_not_wait_while_orders_are_sent_again(bob: User, place_order: PlaceOrder) -> None:
    order = place_order(minutes_ago=3)
    with transaction.atomic():
        assert next(resend_overdue(DEADLINE)) == 1
        bought = run_at_once(1, lambda _: buy_in_a_hurry(Purchase(order.listing_id, bob.pk, 1, new_trace())))
    assert bought == [False]


def buy_in_a_hurry(purchase: Purchase) -> bool:
    with transaction.atomic():
        connection.cursor().execute("SET LOCAL lock_timeout = '1ms'")
        return buy_listing(purchase)[1]
