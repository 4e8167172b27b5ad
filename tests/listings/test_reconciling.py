"""What stays pending is sent again, in small steps, and no more often than it helps."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from listings.accounts.models import BankAccount
from listings.models import LiveEvent, Order
from listings.settling import reconcile
from listings.settling.complete import complete_orders
from listings.settling.reconcile import resend_overdue
from listings.settling.release import reject_orders
from microstore.messaging.models import OutboxMessage
from tests.listings.replies import item_sold, order_rejected
from tests.listings.vanished import DEADLINE, PlaceOrder, make_older, place_order, resend, sent_orders

__all__ = ["place_order"]
pytestmark = pytest.mark.django_db


def test_an_order_pending_past_its_deadline_is_sent_again_as_it_was(
    bob: User, alice: User, place_order: PlaceOrder
) -> None:
    order = place_order(minutes_ago=3)
    assert resend() == 1
    [message] = OutboxMessage.objects.all()
    unlike_any_other = {"event_id", "occurred_at"}
    assert {name: value for name, value in message.payload.items() if name not in unlike_any_other} == {
        "order_id": str(order.pk),
        "listing_id": order.listing_id,
        "buyer_id": bob.pk,
        "seller_id": alice.pk,
        "quantity": 1,
        "unit_price_cents": 24_900,
        "currency": "EUR",
        "fee_version": "",
        "category": "furniture",
        "title": "Reading lamp",
        "description": "",
        "picture": "",
        "trace": order.trace,
    }


def test_an_order_within_its_deadline_is_left_alone(place_order: PlaceOrder) -> None:
    order = place_order(minutes_ago=1)
    assert resend() == 0
    order.refresh_from_db()
    assert (sent_orders(), order.resent_at) == ([], None)


@pytest.mark.parametrize("status", ["rejected", "cancelled"])
def test_an_order_that_was_settled_meanwhile_is_not_sent_again(place_order: PlaceOrder, status: str) -> None:
    place_order(minutes_ago=3, status=status)
    assert resend() == 0


def test_an_order_that_was_completed_meanwhile_is_not_sent_again(place_order: PlaceOrder) -> None:
    complete_orders([item_sold(place_order(minutes_ago=3).pk)])
    assert resend() == 0


def test_the_oldest_go_first(place_order: PlaceOrder) -> None:
    orders = [place_order(minutes_ago=minutes) for minutes in (3, 9, 5)]
    resend()
    assert sent_orders() == [orders[1].pk, orders[2].pk, orders[0].pk]


def test_each_step_is_small_and_commits_for_itself(
    place_order: PlaceOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "CHUNK_ROWS", 2)
    orders = [place_order(minutes_ago=9 - number) for number in range(5)]
    assert list(resend_overdue(DEADLINE)) == [2, 2, 1]
    assert sent_orders() == [order.pk for order in orders]


def test_an_order_that_was_sent_again_is_not_sent_a_third_time_at_once(place_order: PlaceOrder) -> None:
    order = place_order(minutes_ago=3)
    assert [resend(), resend()] == [1, 0]
    order.refresh_from_db()
    assert order.resent_at is not None
    make_older(order, minutes=1.9)
    assert resend() == 0


@pytest.mark.parametrize(
    ("age", "sent_ago", "again"),
    [
        (3.9, 1.9, False),
        (4.1, 2.1, True),
        (4.3, 2.1, False),
        (3.3, 1.8, False),  # by somebody with a shorter deadline
        (10, 4.9, False),
        (10, 5.1, True),
        (300, 59, False),
        (300, 61, True),
    ],
)
def test_the_wait_doubles_up_to_an_hour(
    place_order: PlaceOrder, age: float, sent_ago: float, again: bool
) -> None:
    place_order(minutes_ago=age, resent_at=timezone.now() - timedelta(minutes=sent_ago))
    assert resend() == again


def test_an_order_of_the_future_does_not_wait_for_it(place_order: PlaceOrder) -> None:
    """A database whose clock was five minutes ahead has stored it and what was sent again."""
    order = place_order(minutes_ago=-5)
    assert [resend(), resend()] == [1, 0]
    make_older(order, minutes=2.1)
    assert [resend(), resend()] == [1, 0]
    Order.objects.update(resent_at=timezone.now() + timedelta(minutes=5))
    assert [resend(), resend()] == [1, 0]
    place_order(minutes_ago=-0.5)
    assert resend() == 0


def test_an_outage_of_a_day_makes_few_copies_of_a_message(place_order: PlaceOrder) -> None:
    order = place_order()
    for _ in range(24 * 6):
        make_older(order, minutes=10)
        resend()
    assert len(sent_orders()) < 30


def test_an_order_that_does_not_fit_its_contract_does_not_hold_up_the_others(place_order: PlaceOrder) -> None:
    place_order(minutes_ago=9, trace="written by hand")
    good = place_order(minutes_ago=3)
    assert resend() == 2
    assert sent_orders() == [good.pk]
    assert resend() == 0


def test_a_cancellation_that_does_not_fit_its_contract_holds_up_nothing_else(place_order: PlaceOrder) -> None:
    """Bank accounts come after it in a round, as what is deleted does."""
    settled = {"status": Order.Status.CANCELLED, "settled_at": timezone.now() - timedelta(minutes=9)}
    order = place_order(minutes_ago=9, trace="written by hand", **settled)
    good = place_order(minutes_ago=9, **settled)
    given = {"user_id": order.buyer_id, "sealed": "c2VhbGVk", "masked": "DE 3000"}
    for trace in ("written by hand", good.trace):
        BankAccount.objects.create(**given, trace=trace)
    BankAccount.objects.update(created_at=timezone.now() - timedelta(minutes=9))
    assert resend() == 4
    sent = OutboxMessage.objects.order_by("id").values_list("contract", "payload__trace")
    assert list(sent) == [("order_cancelled", good.trace), ("bank_account_changed", good.trace)]
    assert resend() == 0


def test_a_message_that_was_only_late_does_no_harm(place_order: PlaceOrder) -> None:
    order = place_order(minutes_ago=3)
    resend()
    make_older(order, minutes=60)
    resend()
    assert sent_orders() == [order.pk, order.pk]
    sale = item_sold(order.pk)  # the answer to each: what is recorded, which is one transaction
    told = [complete_orders([sale]), complete_orders([sale])]
    assert [fact.transaction_id for [fact] in told] == [sale.transaction_id] * 2
    assert [fact.event_id for [fact] in told] == [told[0][0].event_id] * 2
    order.refresh_from_db()
    assert (order.status, order.listing.available) == ("completed", 4_999)
    assert LiveEvent.objects.count() == 1
    assert resend() == 0


def test_a_refusal_that_was_lost_comes_again_and_gives_the_stock_back_once(place_order: PlaceOrder) -> None:
    order = place_order(minutes_ago=3)
    resend()
    for _ in range(2):
        reject_orders([order_rejected(order.pk)])
    order.refresh_from_db()
    assert (order.status, order.listing.available) == ("rejected", 5_000)


def test_a_step_needs_few_queries(
    place_order: PlaceOrder, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(10):
        place_order(minutes_ago=3)
    with django_assert_max_num_queries(17 + 2 * 10):  # a message for each, built and sent
        resend()


def test_an_order_that_is_pending_for_a_week_is_let_expire(place_order: PlaceOrder) -> None:
    """Only the transactions service knows whether it was recorded, so nothing is released here."""
    week_old, younger = place_order(minutes_ago=7 * 24 * 60 + 1), place_order(minutes_ago=6 * 24 * 60)
    assert resend() == 2
    sent = OutboxMessage.objects.order_by("id").values_list("contract", "payload__order_id")
    assert list(sent) == [("order_expired", str(week_old.pk)), ("order_created", str(younger.pk))]
    week_old.refresh_from_db()
    assert (week_old.status, week_old.listing.available) == ("pending", 5_000 - 2)
