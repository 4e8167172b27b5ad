"""A checkout is one thing to its buyer: one state, one fact, one event, one notification and one e-mail."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from rest_framework.test import APIClient
from uuid_utils.compat import uuid7

from listings.buying.checkout import Checkout, Item, check_out
from listings.models import Listing, LiveEvent, Notification, Order, Profile
from listings.notifications import tasks
from listings.refunds.request import RefundRequest, request_refund
from listings.refunds.settle import complete_refunds
from listings.settling.cancel import cancel_order
from listings.settling.complete import complete_orders
from listings.settling.release import reject_orders
from microstore.contracts.listings import CHECKOUT_SETTLED, CheckoutSettled
from microstore.messaging.models import OutboxMessage
from microstore.telemetry.tracing import new_trace
from tests.listings.purchases import order_one
from tests.listings.replies import item_sold, order_refunded, order_rejected
from tests.listings.test_live_orders import feed_of
from tests.support.browser import browse
from tests.support.pages import address, text
from tests.support.problem import read_problem
from tests.support.roles import client_as
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db

TITLES = ("Crunchy armchair", "Reading lamp", "Half a chess set")


@pytest.fixture
def things(put_on_sale: Callable[..., Listing]) -> list[Listing]:
    return [put_on_sale(title, quantity=500) for title in TITLES]


@pytest.fixture
def orders(bob: User, things: list[Listing]) -> list[Order]:
    """Bob buys one armchair, two lamps and three halves of a chess set together."""
    return buy_together(bob, things)


def buy_together(buyer: User, things: list[Listing]) -> list[Order]:
    items = [Item(thing.pk, number) for number, thing in enumerate(things, 1)]
    made, _ = check_out(Checkout(items, buyer.pk, new_trace()))
    return list(Order.objects.filter(pk__in=[order.id for order in made]).order_by("id"))


def complete(*orders: Order) -> None:
    complete_orders([item_sold(order.pk) for order in orders])


def sent() -> list[CheckoutSettled]:
    """The facts of checkouts that wait in the outbox."""
    rows = OutboxMessage.objects.filter(contract=CHECKOUT_SETTLED.name).order_by("id")
    return [CHECKOUT_SETTLED.parse(row.payload) for row in rows]


def events_of_checkouts() -> int:
    return LiveEvent.objects.filter(type="checkout_settled").count()


def test_it_is_open_until_its_last_order_is_settled(api: APIClient, orders: list[Order]) -> None:
    path = f"/api/checkouts/{orders[0].checkout_id}/"
    shown = api.get(path).json()
    assert (shown["id"], shown["status"], shown["settled_at"], shown["totals"]) == (
        str(orders[0].checkout_id),
        "open",
        None,
        [],
    )
    assert [order["id"] for order in shown["orders"]] == [str(order.pk) for order in orders]
    complete(orders[0])
    reject_orders([order_rejected(orders[1].pk)])
    shown = api.get(path).json()
    assert shown["status"] == "open"
    assert [order["status"] for order in shown["orders"]] == ["completed", "rejected", "pending"]
    complete(orders[2])
    shown = api.get(path).json()
    last = max(order["settled_at"] for order in shown["orders"])
    assert (shown["status"], shown["settled_at"]) == ("settled", last)
    assert shown["trace_id"] == orders[0].trace_id
    price = 4 * 24_900
    assert shown["totals"] == [
        {
            "currency": "EUR",
            "price_cents": price,
            "fee_cents": 200,
            "total_cents": price + 200,
            "refunded_cents": 0,
        }
    ]


def test_each_currency_has_a_sum(
    api: APIClient, bob: User, things: list[Listing], put_on_sale: Callable[..., Listing]
) -> None:
    yen = put_on_sale("Paper crane", currency="JPY", price_cents=500, quantity=9)
    made = buy_together(bob, [*things, yen])
    complete(*made[2:])
    totals = api.get(f"/api/checkouts/{made[0].checkout_id}/").json()["totals"]
    assert [(total["currency"], total["total_cents"]) for total in totals] == [
        ("EUR", 3 * 24_900 + 100),
        ("JPY", 4 * 500 + 100),
    ]


def test_its_answer_names_its_address(api: APIClient, armchair: Listing) -> None:
    answer = api.post("/api/checkouts/", {"items": [{"listing": armchair.pk}]}, format="json")
    path = answer.json()["status_url"]
    assert path == answer.headers["Location"] == f"/api/checkouts/{answer.json()['id']}/"
    assert api.get(path).json()["id"] == answer.json()["id"]


def test_nobody_but_its_buyer_sees_it(
    orders: list[Order], alice: User, anybody: APIClient, client_of: Callable[[User], APIClient]
) -> None:
    path = f"/api/checkouts/{orders[0].checkout_id}/"
    assert "checkout" in read_problem(client_of(alice).get(path), 404)["detail"]
    assert read_problem(anybody.get(path), 401)
    assert read_problem(client_of(alice).get(f"/api/checkouts/{uuid7()}/"), 404)


def test_its_fact_is_sent_with_its_last_order_and_once(orders: list[Order], bob: User) -> None:
    complete(*orders[:2])
    assert (sent(), events_of_checkouts()) == ([], 0)
    complete(*orders)
    complete(*orders)
    [fact] = sent()
    assert fact.model_dump(exclude={"event_id", "occurred_at"}) == {
        "checkout_id": orders[0].checkout_id,
        "buyer_id": bob.pk,
        "order_ids": [order.pk for order in orders],
        "completed_order_ids": [order.pk for order in orders],
        "trace": orders[0].trace,
    }
    assert events_of_checkouts() == 1


@pytest.mark.parametrize("last", ["completed", "rejected", "cancelled"])
def test_whatever_settles_its_last_order_settles_it(orders: list[Order], last: str) -> None:
    one, other, third = orders
    settle: dict[str, Callable[[Order], Any]] = {
        "completed": complete,
        "rejected": lambda order: reject_orders([order_rejected(order.pk)]),
        "cancelled": lambda order: cancel_order(order.pk, buyer_id=order.buyer_id),
    }
    ways = [way for way in settle if way != last]
    for way, order in zip(ways, (one, other), strict=True):
        settle[way](order)
    assert sent() == []
    settle[last](third)
    [fact] = sent()
    assert fact.completed_order_ids == [
        order.pk for order, way in zip(orders, [*ways, last], strict=True) if way == "completed"
    ]
    complete(*orders)
    assert (len(sent()), events_of_checkouts()) == (1, 1)


def test_an_order_of_no_checkout_pays_nothing_for_it(
    bob: User, armchair: Listing, django_assert_num_queries: Any
) -> None:
    order = order_one(armchair, buyer_id=bob.pk)
    sale = item_sold(order.pk)
    with django_assert_num_queries(1):
        complete_orders([sale])
    assert sent() == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ways", ["completed", "both"])
def test_when_the_last_orders_of_many_are_settled_at_once_each_is_settled_once(
    bob: User, things: list[Listing], ways: str
) -> None:
    """In batches that mix checkouts in any order: they would wait for each other if locks had no order."""
    made = [order for _ in range(40) for order in buy_together(bob, things)]
    batches = [random.sample(made, 30) for _ in range(16)]

    def settle(number: int) -> None:
        batch = batches[number]
        if ways == "both" and number % 2:
            reject_orders([order_rejected(order.pk) for order in batch])
        else:
            complete(*batch)

    run_at_once(16, settle)
    complete(*made)
    facts = sent()
    assert len(facts) == len({fact.checkout_id for fact in facts}) == events_of_checkouts() == 40
    completed = set(Order.objects.filter(status="completed").values_list("pk", flat=True))
    assert {order for fact in facts for order in fact.completed_order_ids} == completed


@pytest.mark.django_db(transaction=True)
def test_two_transactions_that_settle_its_last_two_orders_at_once_settle_it_once(
    bob: User, things: list[Listing]
) -> None:
    for _ in range(20):
        pair = buy_together(bob, things[:2])
        run_at_once(2, lambda number, pair=pair: complete(pair[number]))  # type: ignore[misc]  # a default
    assert len(sent()) == events_of_checkouts() == 20


@pytest.mark.django_db(transaction=True)
def test_its_buyer_alone_has_one_event_of_it_now_and_after_coming_back(
    orders: list[Order], alice: User, bob: User
) -> None:
    with browse(feed_of(bob)) as buyer, browse(feed_of(alice)) as seller, browse("/ws/listings/") as public:
        complete(*orders)
        received = buyer.read_events(4)
        assert [event["type"] for event in received] == ["order", "order", "order", "checkout"]
        assert {event["type"] for event in seller.read_events(3)} == {"order"}
        assert {event["type"] for event in public.read_events(3)} == {"item_sold"}
        assert public.is_silent()
        assert seller.is_silent()
    settled, before = received[-1], LiveEvent.objects.earliest("seq").seq - 1
    assert settled["id"] == str(orders[0].checkout_id)
    assert (settled["status"], settled["orders"], settled["completed"]) == ("settled", 3, 3)
    assert settled["totals"][0]["total_cents"] == 6 * 24_900 + 300
    with (
        # From just before them: what is further back is answered with a reset.
        browse(feed_of(bob, f"&after={before}")) as again,
        browse(feed_of(alice, f"&after={before}")) as seller,
    ):
        assert again.read_events(4) == received
        assert len(seller.read_events(3)) == 3
        assert seller.is_silent()


@pytest.fixture
def bob_has_an_address(bob: User, alice: User) -> None:
    for user in (alice, bob):
        User.objects.filter(pk=user.pk).update(email=f"{user.username}@shop.example")
        Profile.objects.create(user=user, verified_email=f"{user.username}@shop.example")


def test_its_buyer_is_notified_once_and_its_sellers_of_each_sale(
    orders: list[Order], bob_has_an_address: None
) -> None:
    one, other, third = orders
    tasks.order_completed(complete_orders([item_sold(one.pk), item_sold(other.pk)]))
    rejection = order_rejected(third.pk, reason="no fee is set for XTS")
    reject_orders([rejection])
    tasks.order_rejected([rejection])
    for _ in range(2):
        tasks.checkout_settled(sent())
    [notification] = Notification.objects.filter(recipient__username="bob")
    assert notification.text == (
        "You bought 1 × Crunchy armchair and 1 other item for 749.00 EUR. 3 × Half a chess set was rejected."
    )
    assert Notification.objects.filter(recipient__username="alice").count() == 3
    message: Any
    [message] = [message for message in mail.outbox if message.to == ["bob@shop.example"]]
    assert "2 × Reading lamp: Completed, €499.00" in message.body
    assert "3 × Half a chess set: Rejected (no fee is set for XTS)" in message.body
    assert str(one.checkout_id) in message.body
    assert "2 × Reading lamp: Completed" in str(message.alternatives[0][0])


def test_a_refund_is_notified_by_order(orders: list[Order], alice: User) -> None:
    complete(*orders)
    refund, _ = request_refund(
        RefundRequest(order_id=orders[0].pk, requested_by_id=alice.pk, reason="A leg is loose")
    )
    tasks.refund_completed(complete_refunds([order_refunded(refund)]))
    assert Notification.objects.filter(recipient__username="bob", kind="order_refunded").count() == 1


def test_staff_find_what_people_were_told_by_any_of_its_orders(orders: list[Order]) -> None:
    tasks.order_completed(complete_orders([item_sold(order.pk) for order in orders]))
    tasks.checkout_settled(sent())
    found = client_as("support").get(f"/admin/listings/notification/?q={orders[1].pk}").context["cl"]
    assert {(row.recipient.username, row.kind) for row in found.result_list} == {
        ("alice", "order_completed"),
        ("bob", "checkout_settled"),
    }


def test_its_page_shows_it_as_one_to_its_buyer_alone(
    orders: list[Order], shopper: Client, seller: Client
) -> None:
    path = f"/checkouts/{orders[0].checkout_id}/"
    page = text(shopper.get(path))
    assert all(title in page for title in TITLES)
    assert "3 items" in page
    assert "Pending" in page
    complete(*orders[:2])
    reject_orders([order_rejected(orders[2].pk)])
    page = text(shopper.get(path))
    assert "2 of 3 completed" in page
    assert "€749.00" in page
    assert "no such checkout" in text(seller.get(path), 404)
    assert address(Client().get(path)) == f"/account/log-in/?next={path}"
    assert path in text(shopper.get("/orders/"))
    assert "bought together" in text(shopper.get("/orders/"))
    tasks.checkout_settled(sent())
    assert f'href="{path}"' in text(shopper.get("/notifications/"))
