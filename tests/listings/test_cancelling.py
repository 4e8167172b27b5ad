"""Buyers cancel what is pending, once; whatever the transactions service says afterwards changes nothing."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import permutations

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from listings import tasks
from listings.models import Listing, LiveEvent, Order
from listings.refusals import AlreadySettled
from listings.settling.cancel import cancel_order
from listings.settling.complete import complete_orders
from listings.settling.reconcile import resend_overdue
from listings.settling.release import reject_orders
from microstore.contracts.transactions import ORDER_CANCELLED
from microstore.messaging.models import OutboxMessage
from tests.listings.replies import item_sold, order_rejected, order_voided
from tests.support.broker import facts
from tests.support.problem import read_problem
from tests.support.rows import count_rows
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(api: APIClient, put_on_sale: Callable[..., Listing]) -> Order:
    """Bob's, of three lamps of ten."""
    lamp = put_on_sale("Reading lamp", quantity=10)
    api.post(f"/api/listings/{lamp.pk}/buy/", {"quantity": 3}, format="json")
    return Order.objects.get()


def url(order: Order) -> str:
    return f"/api/orders/{order.pk}/cancel/"


def available() -> int:
    return Listing.objects.get().available


def test_a_cancelled_order_gives_its_stock_back(api: APIClient, order: Order) -> None:
    answer = api.post(url(order))
    assert answer.status_code == 200
    assert answer.json() == api.get(f"/api/orders/{order.pk}/").json()
    assert answer.json()["status"] == "cancelled"
    assert answer.json()["settled_at"]
    assert available() == 10


def test_the_transactions_service_is_told_all_that_it_was_told_of_the_order(
    api: APIClient, order: Order
) -> None:
    api.post(url(order))
    created, cancelled = OutboxMessage.objects.order_by("id")
    assert cancelled.contract == "order_cancelled"
    ORDER_CANCELLED.parse(cancelled.payload)
    differ = {"event_id", "occurred_at"}
    assert {k: v for k, v in cancelled.payload.items() if k not in differ} == {
        k: v for k, v in created.payload.items() if k not in differ
    }


def test_the_live_feed_is_told_that_there_are_more_again(api: APIClient, order: Order) -> None:
    api.post(url(order))
    event = LiveEvent.objects.get()
    assert (event.type, event.order_id, event.listing_id) == ("item_released", order.pk, order.listing_id)
    assert event.payload == {
        "listing_id": order.listing_id,
        "order_id": str(order.pk),
        "quantity": 3,
        "available": 10,
        "trace_id": order.trace_id,
    }


def test_cancelling_again_is_the_same(api: APIClient, order: Order) -> None:
    first = api.post(url(order))
    before = count_rows()
    again = api.post(url(order))
    assert (again.status_code, again.json()) == (200, first.json())
    assert count_rows() == before
    assert available() == 10


@pytest.mark.parametrize("status", ["completed", "rejected"])
def test_what_is_settled_cannot_be_cancelled(api: APIClient, order: Order, status: str) -> None:
    if status == "completed":
        complete_orders([item_sold(order.pk)])
    else:
        reject_orders([order_rejected(order.pk)])
    before, left = count_rows(), available()
    problem = read_problem(api.post(url(order)), 409)
    assert problem["type"] == "urn:microstore:problem:already-settled"
    assert status in problem["detail"]
    assert (count_rows(), available()) == (before, left)


def test_its_seller_cannot_cancel_it(
    alice: User, client_of: Callable[[User], APIClient], order: Order
) -> None:
    before = count_rows()
    problem = read_problem(client_of(alice).post(url(order)), 403)
    assert problem["type"] == "urn:microstore:problem:not-yours"
    assert (count_rows(), available()) == (before, 7)


@pytest.mark.parametrize("answers", list(permutations(["item_sold", "order_rejected", "order_voided"])))
def test_a_late_answer_changes_nothing_in_whatever_order_it_comes(
    api: APIClient, order: Order, answers: tuple[str, ...]
) -> None:
    api.post(url(order))
    voided = order_voided(order.pk)
    before = count_rows()
    with facts("order.*") as told:
        for answer in [*answers, *answers]:
            if answer == "item_sold":
                tasks.item_sold([item_sold(order.pk)])
            elif answer == "order_rejected":
                tasks.order_rejected([order_rejected(order.pk)])
            else:
                tasks.order_voided([voided])
        assert told.take() == []
    order.refresh_from_db()
    assert (order.status, order.transaction_id) == ("cancelled", voided.transaction_id)
    assert (order.fee_cents, order.total_cents, order.reason) == (None, None, "")
    assert (count_rows(), available()) == (before, 10)


def test_a_confirmation_for_an_order_that_is_not_cancelled_is_not_noted(order: Order) -> None:
    tasks.order_voided([order_voided(order.pk)])
    order.refresh_from_db()
    assert (order.status, order.transaction_id) == ("pending", None)


def test_what_is_not_confirmed_is_sent_again_and_what_is_confirmed_is_not(
    api: APIClient, order: Order
) -> None:
    api.post(url(order))
    sent = OutboxMessage.objects.get(contract="order_cancelled").payload
    OutboxMessage.objects.all().delete()
    assert list(resend_overdue(timedelta(minutes=2))) == []
    Order.objects.update(settled_at=timezone.now() - timedelta(minutes=3))
    assert list(resend_overdue(timedelta(minutes=2))) == [1]
    again = OutboxMessage.objects.get()
    assert again.contract == "order_cancelled"
    assert again.payload["event_id"] == sent["event_id"]
    assert list(resend_overdue(timedelta(minutes=2))) == []

    tasks.order_voided([order_voided(order.pk)])
    Order.objects.update(resent_at=timezone.now() - timedelta(hours=2))
    assert list(resend_overdue(timedelta(minutes=2))) == []


@pytest.mark.django_db(transaction=True)
def test_a_sale_and_a_cancelling_at_the_same_moment_are_one_of_them(order: Order) -> None:
    def act(number: int) -> None:
        if number % 2:
            complete_orders([item_sold(order.pk)])
            return
        with suppress(AlreadySettled):
            cancel_order(order.pk, buyer_id=order.buyer_id)

    run_at_once(10, act)
    order.refresh_from_db()
    assert available() == {"completed": 7, "cancelled": 10}[order.status]
    assert (
        LiveEvent.objects.get().type == {"completed": "item_sold", "cancelled": "item_released"}[order.status]
    )
