"""What the transactions service answers settles an order, once, however often it is said."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from uuid_utils.compat import uuid7

from listings.models import Listing, LiveEvent, Order
from listings.settling.complete import complete_orders
from listings.settling.release import reject_orders
from listings.tasks import item_sold as handle_item_sold
from listings.tasks import order_rejected as handle_order_rejected
from microstore.contracts.listings import OrderCompleted
from microstore.telemetry.tracing import new_trace
from tests.listings.replies import item_sold, order_rejected
from tests.support.broker import facts
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db

SETTLED = ("completed", "rejected", "cancelled", "refunded")


@pytest.fixture
def place_order(bob: User, put_on_sale: Callable[..., Listing]) -> Callable[..., Order]:
    """Bob's order, of one lamp of ten unless told otherwise; its stock is reserved."""
    lamp = put_on_sale("Reading lamp", quantity=10)

    def place(*, quantity: int = 1, **fields: Any) -> Order:
        Listing.objects.filter(pk=lamp.pk).update(available=available() - quantity)
        given = {"unit_price_cents": 24_900, "currency": "EUR", "trace": new_trace()}
        return Order.objects.create(buyer=bob, listing=lamp, quantity=quantity, **(given | fields))

    return place


def available() -> int:
    return Listing.objects.get().available


def rows() -> list[dict[str, Any]]:
    return [
        dict(row) for model in (Order, LiveEvent) for row in model._default_manager.order_by("pk").values()
    ]


def without_time(told: list[OrderCompleted]) -> list[dict[str, Any]]:
    return [fact.model_dump(exclude={"occurred_at"}) for fact in told]


def test_a_sale_completes_its_order(place_order: Callable[..., Order]) -> None:
    order = place_order()
    sale = item_sold(order.pk)
    complete_orders([sale])
    order.refresh_from_db()
    assert (order.status, order.transaction_id) == ("completed", sale.transaction_id)
    assert (order.fee_cents, order.total_cents) == (100, 25_000)
    assert order.settled_at is not None
    assert order.reason == ""
    assert available() == 9


def test_a_completed_order_is_told_as_a_fact(
    place_order: Callable[..., Order], alice: User, bob: User
) -> None:
    order = place_order(quantity=3)
    sale = item_sold(order.pk)
    (fact,) = complete_orders([sale])
    assert fact.model_dump(exclude={"event_id", "occurred_at"}) == {
        "order_id": order.pk,
        "listing_id": order.listing_id,
        "buyer_id": bob.pk,
        "seller_id": alice.pk,
        "quantity": 3,
        "total_cents": 74_800,
        "fee_cents": 100,
        "currency": "EUR",
        "transaction_id": sale.transaction_id,
        "trace": order.trace,
    }


def test_a_completed_order_is_one_event_of_the_live_feed(place_order: Callable[..., Order]) -> None:
    order = place_order(quantity=3)
    complete_orders([item_sold(order.pk)])
    event = LiveEvent.objects.get()
    assert (event.type, event.order_id, event.listing_id) == ("item_sold", order.pk, order.listing_id)
    assert event.payload == {
        "listing_id": order.listing_id,
        "order_id": str(order.pk),
        "quantity": 3,
        "available": 7,
        "trace_id": order.trace_id,
    }


def test_a_sale_delivered_twice_is_completed_once_and_told_the_same(
    place_order: Callable[..., Order],
) -> None:
    sales = [item_sold(place_order().pk) for _ in range(3)]
    first = complete_orders(sales)
    settled = rows()
    again = complete_orders(sales)
    assert without_time(again) == without_time(first)
    assert len(first) == 3
    assert rows() == settled


def test_a_sale_twice_in_one_batch_is_completed_once(place_order: Callable[..., Order]) -> None:
    sale = item_sold(place_order().pk)
    assert len(complete_orders([sale, sale])) == 1
    assert LiveEvent.objects.count() == 1


def test_a_partly_repeated_batch_completes_only_what_is_new(place_order: Callable[..., Order]) -> None:
    old, new = item_sold(place_order().pk), item_sold(place_order().pk)
    (fact_of_old,) = complete_orders([old])
    settled = Order.objects.values().get(pk=old.order_id)
    facts_of_both = complete_orders([new, old])
    assert {fact.order_id for fact in facts_of_both} == {old.order_id, new.order_id}
    assert without_time([fact_of_old])[0] in without_time(facts_of_both)
    assert Order.objects.values().get(pk=old.order_id) == settled
    assert Order.objects.filter(status="completed").count() == LiveEvent.objects.count() == 2


def test_a_batch_of_nothing_is_nothing() -> None:
    assert complete_orders([]) == []
    reject_orders([])


@pytest.mark.parametrize("status", ["rejected", "cancelled", "refunded"])
def test_an_order_that_is_settled_otherwise_is_not_completed(
    place_order: Callable[..., Order], status: str
) -> None:
    order = place_order(status=status)
    settled = rows()
    assert complete_orders([item_sold(order.pk)]) == []
    assert rows() == settled


def test_a_refusal_rejects_its_order_and_gives_the_stock_back(place_order: Callable[..., Order]) -> None:
    order = place_order(quantity=3)
    reject_orders([order_rejected(order.pk, reason="no fee is set for XTS")])
    order.refresh_from_db()
    assert (order.status, order.reason) == ("rejected", "no fee is set for XTS")
    assert (order.transaction_id, order.fee_cents, order.total_cents) == (None, None, None)
    assert order.settled_at is not None
    assert available() == 10
    assert [event.type for event in LiveEvent.objects.all()] == ["item_released"]


def test_a_refusal_delivered_twice_gives_the_stock_back_once(place_order: Callable[..., Order]) -> None:
    orders = [place_order(quantity=2), place_order(quantity=3)]
    refusals = [order_rejected(order.pk) for order in orders]
    reject_orders(refusals)
    settled = rows()
    reject_orders([*refusals, *refusals, order_rejected(uuid7())])
    assert available() == 10
    assert rows() == settled


@pytest.mark.parametrize("status", SETTLED)
def test_a_settled_order_is_not_rejected(place_order: Callable[..., Order], status: str) -> None:
    sold = {"transaction_id": uuid7(), "fee_cents": 1, "total_cents": 2} if status == "completed" else {}
    order = place_order(status=status, **sold)
    settled = rows()
    reject_orders([order_rejected(order.pk)])
    assert rows() == settled
    assert available() == 9


def test_refusals_of_many_listings_give_each_its_own_back(
    bob: User, put_on_sale: Callable[..., Listing]
) -> None:
    orders = []
    for title, quantity in (("Reading lamp", 3), ("Radio with one station", 1), ("Half a chess set", 2)):
        listing = put_on_sale(title, quantity=5, available=5 - quantity)
        orders.append(
            Order.objects.create(
                buyer=bob, listing=listing, quantity=quantity, unit_price_cents=1, currency="EUR"
            )
        )
    reject_orders([order_rejected(order.pk) for order in reversed(orders)])
    assert list(Listing.objects.values_list("available", flat=True)) == [5, 5, 5]


@pytest.mark.django_db(transaction=True)
def test_a_sale_delivered_to_many_workers_at_once_is_completed_once(
    place_order: Callable[..., Order],
) -> None:
    sales = [item_sold(place_order().pk) for _ in range(5)]
    told = run_at_once(10, lambda number: complete_orders(sales if number % 2 else sales[::-1]))
    assert {len(facts_told) for facts_told in told} == {5}
    assert Order.objects.filter(status="completed").count() == LiveEvent.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_a_refusal_delivered_to_many_workers_at_once_gives_the_stock_back_once(
    place_order: Callable[..., Order],
) -> None:
    refusals = [order_rejected(place_order(quantity=2).pk) for _ in range(4)]
    assert available() == 2
    run_at_once(10, lambda number: reject_orders(refusals if number % 2 else refusals[::-1]))
    assert available() == 10


@pytest.mark.django_db(transaction=True)
def test_of_a_sale_and_a_refusal_at_once_one_wins(place_order: Callable[..., Order]) -> None:
    orders = [place_order() for _ in range(6)]

    def settle(number: int) -> None:
        if number % 2:
            complete_orders([item_sold(order.pk) for order in orders])
        else:
            reject_orders([order_rejected(order.pk) for order in reversed(orders)])

    run_at_once(8, settle)
    completed = Order.objects.filter(status="completed").count()
    assert completed + Order.objects.filter(status="rejected").count() == 6
    assert LiveEvent.objects.filter(type="item_sold").count() == completed
    assert available() == 10 - completed


def test_the_message_that_completes_an_order_tells_whoever_listens(place_order: Callable[..., Order]) -> None:
    order = place_order()
    with facts("order.*") as mailbox:
        assert handle_item_sold([item_sold(order.pk), item_sold(uuid7())]) == []
        ((task, events),) = mailbox.take()
    assert task == "order_completed"
    assert [event["order_id"] for event in events] == [str(order.pk)]
    assert OrderCompleted.model_validate(events[0]).total_cents == 25_000


def test_the_message_that_rejects_an_order_tells_nobody(place_order: Callable[..., Order]) -> None:
    order = place_order()
    with facts("order.*") as mailbox:
        assert handle_order_rejected([order_rejected(order.pk)]) == []
        assert mailbox.take() == []
    assert Order.objects.get().status == "rejected"
