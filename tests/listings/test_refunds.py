"""Sellers and finance refund what was paid, once a request and never more than that."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.db import IntegrityError, transaction
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from listings import tasks
from listings.live.push import to_clients, to_hubs
from listings.models import Listing, LiveEvent, Notification, Order, Refund
from listings.notifications import tasks as notifications
from listings.overview import find_done
from listings.refunds.request import RefundRequest, request_refund
from listings.refusals import KeyReused, RefundTooLarge
from listings.settling.reconcile import resend_overdue
from microstore.contracts.contract import Message
from microstore.contracts.listings import REFUND_COMPLETED
from microstore.contracts.transactions import REFUND_REQUESTED
from microstore.messaging.models import DeadLetter, OutboxMessage
from microstore.staff.models import StaffAction
from tests.listings.purchases import order_one
from tests.listings.replies import item_sold, order_refunded, order_rejected, refund_refused
from tests.support.broker import facts
from tests.support.messages import CURRENCIES
from tests.support.problem import read_problem
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db

REASON = "A leg is loose"


@pytest.fixture
def sell(bob: User, put_on_sale: Callable[..., Listing]) -> Callable[..., Order]:
    """Bob has bought three of ten lamps of Alice's: 60.00 and a fee of 1.00, in the minor unit."""

    def make(currency: str = "EUR") -> Order:
        lamp = put_on_sale("Reading lamp", quantity=10, price_cents=2_000, currency=currency)
        order = order_one(lamp, buyer_id=bob.pk, quantity=3)
        with facts("order.completed"):
            tasks.item_sold([item_sold(order.pk)])
        OutboxMessage.objects.all().delete()
        return Order.objects.get(pk=order.pk)

    return make


@pytest.fixture
def order(sell: Callable[..., Order]) -> Order:
    return sell()


@pytest.fixture
def refund_by(client_of: Callable[[User], APIClient]) -> Callable[..., Any]:
    """POST as this user; a reason is given."""

    def post(user: User, order: Order, key: str | None = None, **body: object) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        url = f"/api/orders/{order.pk}/refunds/"
        return client_of(user).post(url, {"reason": REASON} | body, format="json", headers=headers)

    return post


def settle(*refunds: Refund) -> list[Message]:
    """What the transactions service replies, and the facts that are published of it."""
    with facts("order.refunded") as told:
        tasks.order_refunded([order_refunded(refund) for refund in refunds])
        return [REFUND_COMPLETED.parse(event) for _, events in told.take() for event in events]


@pytest.mark.parametrize("currency", CURRENCIES)
def test_a_seller_refunds_an_order(
    alice: User,
    client_of: Callable[[User], APIClient],
    sell: Callable[..., Order],
    refund_by: Callable[..., Any],
    currency: str,
) -> None:
    order = sell(currency)
    answer = refund_by(alice, order, return_quantity=3)
    assert answer.status_code == 202
    refund = Refund.objects.get()
    assert answer.json() == {
        "id": str(refund.pk),
        "order": str(order.pk),
        "status": "requested",
        "amount_cents": 6_100,
        "fee_cents": None,
        "currency": currency,
        "return_quantity": 3,
        "reason": REASON,
        "refusal": "",
        "created_at": refund.created_at.isoformat().replace("+00:00", "Z"),
        "settled_at": None,
    }
    sent = OutboxMessage.objects.get()
    message = REFUND_REQUESTED.parse(sent.payload)
    assert (message.refund_id, message.order_id, message.amount_cents) == (refund.pk, order.pk, 6_100)
    assert (message.currency, message.trace) == (currency, order.trace)
    (fact,) = settle(refund)
    assert fact.model_dump(include={"amount_cents", "fee_cents", "buyer_id", "seller_id", "reason"}) == {
        "amount_cents": 6_100,
        "fee_cents": 1,
        "buyer_id": order.buyer_id,
        "seller_id": alice.pk,
        "reason": REASON,
    }
    shown = client_of(alice).get(f"/api/orders/{order.pk}/").json()
    assert (shown["status"], shown["refunded_cents"], shown["returned_quantity"]) == ("refunded", 6_100, 3)
    assert Listing.objects.get().available == 10
    (listed,) = client_of(alice).get(f"/api/orders/{order.pk}/refunds/").json()["results"]
    assert (listed["status"], listed["fee_cents"]) == ("refunded", 1)


def test_the_list_of_refunds_refuses_a_parameter_that_it_does_not_know(
    alice: User, order: Order, client_of: Callable[[User], APIClient]
) -> None:
    read_problem(client_of(alice).get(f"/api/orders/{order.pk}/refunds/?status=refunded"), 400)


def test_an_order_is_refunded_in_parts(alice: User, order: Order, refund_by: Callable[..., Any]) -> None:
    states = []
    for amount, pieces in ((100, 1), (5_000, 0), (1_000, 2)):
        refund_by(alice, order, amount_cents=amount, return_quantity=pieces)
        settle(Refund.objects.latest("id"))
        order.refresh_from_db()
        states.append((order.status, order.refunded_cents, order.returned_quantity))
    assert states == [("partly_refunded", 100, 1), ("partly_refunded", 5_100, 1), ("refunded", 6_100, 3)]
    assert Listing.objects.get().available == 10
    problem = read_problem(refund_by(alice, order, amount_cents=1), 409)
    assert problem["type"].endswith("not-refundable")


def test_two_refunds_of_an_order_in_one_batch_add_up(
    alice: User, order: Order, refund_by: Callable[..., Any]
) -> None:
    for _ in range(2):
        refund_by(alice, order, amount_cents=3_000, return_quantity=1)
    assert len(settle(*Refund.objects.all())) == 2
    order.refresh_from_db()
    assert (order.refunded_cents, order.returned_quantity) == (6_000, 2)
    assert Listing.objects.get().available == 9


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ({"amount_cents": 6_101}, "Of what was paid, 61.00 EUR"),
        ({"return_quantity": 4}, "Of this order, 3 pieces"),
    ],
)
def test_no_more_than_was_paid_nor_sold(
    alice: User, order: Order, refund_by: Callable[..., Any], body: dict[str, int], detail: str
) -> None:
    problem = read_problem(refund_by(alice, order, **body), 409)
    assert problem["type"].endswith("refund-too-large")
    assert problem["detail"].startswith(detail)
    assert not Refund.objects.exists()
    assert not OutboxMessage.objects.exists()


def test_what_is_requested_counts_and_what_is_refused_does_not(
    alice: User, order: Order, refund_by: Callable[..., Any]
) -> None:
    refund_by(alice, order)
    read_problem(refund_by(alice, order, amount_cents=1), 409)
    with facts("order.refund_refused") as mailbox:
        for _ in range(2):
            tasks.refund_refused([refund_refused(Refund.objects.get())])
        ((task, [fact]), (_, [again])) = mailbox.take()
    assert (task, fact["event_id"], fact["seller_id"]) == (
        "order_refund_refused",
        again["event_id"],
        alice.pk,
    )
    refused = Refund.objects.get()
    assert (refused.status, refused.refusal) == ("refused", "The order's transaction is voided.")
    order.refresh_from_db()
    assert (order.status, order.refunded_cents) == ("completed", 0)
    assert refund_by(alice, order).status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        {"amount_cents": 0},
        {"amount_cents": -1},
        {"amount_cents": 2**53},
        {"amount_cents": "1"},
        {"return_quantity": -1},
        {"reason": ""},
        {"reason": "\u202e"},
        {"fee_cents": 1},
    ],
)
def test_a_request_that_makes_no_sense_is_a_400(
    alice: User, order: Order, refund_by: Callable[..., Any], body: dict[str, object]
) -> None:
    read_problem(refund_by(alice, order, **body), 400)


@pytest.mark.parametrize("currency", CURRENCIES)
@pytest.mark.parametrize("status", ["pending", "rejected", "cancelled"])
def test_only_what_is_completed_is_refunded(
    alice: User, bob: User, armchair: Listing, refund_by: Callable[..., Any], status: str, currency: str
) -> None:
    Listing.objects.update(currency=currency)
    order = order_one(armchair, buyer_id=bob.pk)
    if status == "rejected":
        tasks.order_rejected([order_rejected(order.pk)])
    if status == "cancelled":
        Order.objects.update(status=status)
    assert Order.objects.get().currency == currency
    problem = read_problem(refund_by(alice, order), 409)
    assert problem["type"].endswith("not-refundable")


def test_who_may_refund(
    alice: User,
    bob: User,
    make_user: Callable[..., User],
    order: Order,
    refund_by: Callable[..., Any],
) -> None:
    carol, dave = make_user("carol"), make_user("dave", is_staff=True)
    dave.user_permissions.add(Permission.objects.get(codename="request_refund"))
    read_problem(refund_by(bob, order), 403)
    read_problem(refund_by(carol, order), 404)
    assert refund_by(dave, order, amount_cents=1).status_code == 202
    order.pk = uuid4()
    read_problem(refund_by(alice, order), 404)
    read_problem(refund_by(dave, order), 404)


def test_who_has_the_password_of_staff_alone_refunds_nothing(
    order: Order, make_user: Callable[..., User], refund_by: Callable[..., Any], settings: Settings
) -> None:
    settings.STAFF_SECOND_FACTOR = True
    dave = make_user("dave", is_staff=True)
    dave.user_permissions.add(Permission.objects.get(codename="request_refund"))
    read_problem(refund_by(dave, order), 404)
    assert not Refund.objects.exists()


def test_a_seller_who_is_suspended_refunds_nothing(
    alice: User, order: Order, refund_by: Callable[..., Any]
) -> None:
    User.objects.update(is_active=False)
    read_problem(refund_by(alice, order), 401)


def test_a_repeat_with_the_same_key_is_the_first_refund(
    alice: User, order: Order, sell: Callable[..., Order], refund_by: Callable[..., Any]
) -> None:
    first = refund_by(alice, order, "lamp", amount_cents=100)
    again = refund_by(alice, order, "lamp", amount_cents=100)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["id"] == first.json()["id"]
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert OutboxMessage.objects.count() == 1
    read_problem(refund_by(alice, order, "lamp", amount_cents=101), 422)
    read_problem(refund_by(alice, sell(), "lamp", amount_cents=100), 422)
    read_problem(refund_by(alice, order, "\u00fc"), 400)


def test_an_order_is_refunded_in_a_bounded_number_of_parts(
    alice: User, order: Order, refund_by: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("listings.refunds.request.MOST_PARTS", 2)
    parts = [refund_by(alice, order, amount_cents=1).status_code for _ in range(3)]
    assert parts == [202, 202, 409]
    assert refund_by(alice, order).status_code == 202
    assert sum(Refund.objects.values_list("amount_cents", flat=True)) == 6_100


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("currency", CURRENCIES)
def test_fifty_at_once_with_one_key_are_one_and_with_fifty_keys_no_more_than_was_paid(
    alice: User, sell: Callable[..., Order], currency: str
) -> None:
    order = sell(currency)

    def request(key: str) -> Refund | None:
        wanted = RefundRequest(
            order_id=order.pk, requested_by_id=alice.pk, reason=REASON, amount_cents=600, key=key
        )
        try:
            return request_refund(wanted)[0]
        except RefundTooLarge:
            return None

    one = run_at_once(50, lambda _: request("one"))
    assert len({refund.pk for refund in one if refund}) == Refund.objects.count() == 1
    others = run_at_once(50, lambda number: request(str(number)))
    assert sum(refund is not None for refund in others) == 9
    assert sum(Refund.objects.values_list("amount_cents", flat=True)) == 6_000
    assert OutboxMessage.objects.filter(contract="refund_requested").count() == 10


@pytest.mark.django_db(transaction=True)
def test_one_key_for_several_orders_at_once_refunds_one(alice: User, sell: Callable[..., Order]) -> None:
    orders = [sell() for _ in range(5)]

    def request(number: int) -> bool:
        wanted = RefundRequest(order_id=orders[number].pk, requested_by_id=alice.pk, reason=REASON, key="one")
        try:
            return bool(request_refund(wanted))
        except KeyReused:
            return False

    assert sum(run_at_once(5, request)) == 1
    assert Refund.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_replies_at_once_refund_once(alice: User, order: Order, refund_by: Callable[..., Any]) -> None:
    for _ in range(3):
        refund_by(alice, order, amount_cents=1_000, return_quantity=1)
    replies = [order_refunded(refund) for refund in Refund.objects.all()]

    with facts("order.refunded"):
        run_at_once(8, lambda number: tasks.order_refunded(replies[:: 1 if number % 2 else -1]))
    order.refresh_from_db()
    assert (order.refunded_cents, order.returned_quantity) == (3_000, 3)
    assert Listing.objects.get().available == 10
    assert LiveEvent.objects.filter(type="item_returned").count() == 3


def test_a_redelivered_refund_changes_nothing_and_its_fact_is_the_same(
    alice: User, order: Order, refund_by: Callable[..., Any]
) -> None:
    refund_by(alice, order, return_quantity=1)
    first, second = settle(Refund.objects.get()), settle(Refund.objects.get())
    assert [fact.event_id for fact in first] == [fact.event_id for fact in second]
    assert Listing.objects.get().available == 8


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"refund_id": uuid4()}, "there is no such refund"),
        ({"order_id": uuid4()}, "the refund is of another order"),
        ({"listing_id": 99}, "the refund is of another order"),
        ({"amount_cents": 99}, "the refund is of another amount"),
        ({"currency": "JPY"}, "the refund is of another amount"),
        ({"transaction_id": uuid4()}, "the refund is of another transaction"),
        ({"fee_cents": 101}, "the refund has more of a fee than was paid"),
    ],
)
def test_a_reply_that_contradicts_its_refund_is_a_dead_letter(
    alice: User, order: Order, refund_by: Callable[..., Any], changed: dict[str, Any], cause: str
) -> None:
    refund_by(alice, order)
    tasks.order_refunded([order_refunded(Refund.objects.get(), **changed)])
    assert DeadLetter.objects.get().cause.endswith(cause)
    order.refresh_from_db()
    assert order.status == "completed"


def test_what_is_decided_stays_decided(alice: User, order: Order, refund_by: Callable[..., Any]) -> None:
    refund_by(alice, order, amount_cents=1)
    settle(Refund.objects.get())
    tasks.refund_refused([refund_refused(Refund.objects.get())])
    tasks.order_refunded([order_refunded(Refund.objects.get(), fee_cents=0)])
    assert sorted(letter.cause.partition(": ")[2] for letter in DeadLetter.objects.all()) == [
        "it is refunded",
        "the refund has another fee",
    ]
    assert Refund.objects.get().status == "refunded"


def test_a_sale_that_is_redelivered_after_a_refund_publishes_its_fact_again(
    alice: User, order: Order, refund_by: Callable[..., Any]
) -> None:
    refund_by(alice, order)
    settle(Refund.objects.get())
    with facts("order.completed") as told:
        tasks.item_sold([item_sold(order.pk)])
        assert len(told.take()) == 1
    order.refresh_from_db()
    assert order.status == "refunded"


@pytest.mark.parametrize("pieces", [0, 2])
def test_everybody_sees_the_stock_and_the_parties_the_refund(
    alice: User, order: Order, refund_by: Callable[..., Any], pieces: int
) -> None:
    refund_by(alice, order, amount_cents=100, return_quantity=pieces)
    settle(Refund.objects.get())
    event = LiveEvent.objects.latest("seq")
    (hint,) = to_hubs([event])
    assert (hint["order_id"], hint["seq"]) == (str(order.pk), event.seq)
    assert [(each["type"], each["quantity"], each["available"]) for each in to_clients([event])] == (
        [("item_released", 2, 9)] if pieces else []
    )


def test_buyer_and_seller_are_notified(
    alice: User, bob: User, order: Order, refund_by: Callable[..., Any]
) -> None:
    refund_by(alice, order, amount_cents=1_050)
    (fact,) = settle(Refund.objects.get())
    for _ in range(2):
        notifications.refund_completed([fact])  # type: ignore[list-item]  # parsed by its contract
    told = dict(Notification.objects.values_list("recipient", "text"))
    assert told == {
        bob.pk: "10.50 EUR of your order of 3 × Reading lamp were refunded: A leg is loose.",
        alice.pk: "10.50 EUR of a sale of 3 × Reading lamp were refunded: A leg is loose.",
    }


def test_the_timeline_has_the_refunds(
    alice: User, order: Order, client_of: Callable[[User], APIClient], refund_by: Callable[..., Any]
) -> None:
    for _ in range(3):
        refund_by(alice, order, amount_cents=100)
    first, second, _ = Refund.objects.order_by("id")
    settle(first)
    tasks.refund_refused([refund_refused(second)])
    steps = client_of(alice).get(f"/api/orders/{order.pk}/timeline/").json()["steps"]
    assert [(step["name"], step["done"]) for step in steps[-3:]] == [
        ("refunded", True),
        ("refund_refused", True),
        ("refunded", False),
    ]


def test_a_request_without_a_reply_is_sent_again(
    alice: User, order: Order, refund_by: Callable[..., Any]
) -> None:
    refund_by(alice, order)
    sent = OutboxMessage.objects.get().payload
    OutboxMessage.objects.all().delete()
    assert sum(resend_overdue(timedelta(hours=1))) == 0
    assert sum(resend_overdue(timedelta())) == 1
    again = OutboxMessage.objects.get().payload
    assert again["event_id"] == sent["event_id"]
    OutboxMessage.objects.all().delete()
    settle(Refund.objects.get())
    assert sum(resend_overdue(timedelta())) == 0


def test_a_replay_is_done_when_the_refund_is_settled(
    alice: User, order: Order, refund_by: Callable[..., Any]
) -> None:
    refund_by(alice, order)
    reply = order_refunded(Refund.objects.get())
    assert find_done([reply]) == set()
    settle(Refund.objects.get())
    assert find_done([reply]) == {reply.event_id}


def test_the_database_keeps_no_refund_of_more_than_was_paid(order: Order) -> None:
    for change in ({"refunded_cents": 6_101}, {"returned_quantity": 4}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Order.objects.filter(pk=order.pk).update(**change)


@pytest.fixture
def finance(make_user: Callable[..., User]) -> tuple[Client, User]:
    staff = make_user("frank", is_staff=True)
    for name in ("view_order", "request_refund", "view_refund"):
        staff.user_permissions.add(Permission.objects.get(codename=name))
    client = Client()
    client.force_login(staff)
    return client, staff


def test_finance_refunds_in_the_admin(order: Order, finance: tuple[Client, User]) -> None:
    client, staff = finance
    form = {"action": "refund", "_selected_action": [str(order.pk)], "reason": "Broken in the post"}
    for _ in range(2):  # the second finds nothing left
        client.post("/admin/listings/order/", form)
    refund = Refund.objects.get()
    assert (refund.amount_cents, refund.requested_by, refund.reason) == (6_100, staff, "Broken in the post")
    assert StaffAction.objects.get().target == f"order {order.pk}"
    page = client.get(f"/admin/listings/refund/?q={order.pk}").content.decode()
    assert str(refund.pk) in page


def test_finance_refunds_a_part_in_the_admin_once_a_form(order: Order, finance: tuple[Client, User]) -> None:
    client, _ = finance
    form: dict[str, Any] = {"action": "refund", "_selected_action": [str(order.pk)]}
    asked = client.post("/admin/listings/order/", form)
    form |= {"key": str(asked.context["key"]), "reason": "Broken in the post", "amount": "1.000"}
    unclear = client.post("/admin/listings/order/", form)
    assert "could mean" in unclear.content.decode()
    assert 'value="Broken in the post"' in unclear.content.decode()
    assert not Refund.objects.exists()
    for _ in range(2):
        client.post("/admin/listings/order/", form | {"amount": "10.00"})
    assert Refund.objects.get().amount_cents == 1_000
    assert StaffAction.objects.count() == 1
    client.post("/admin/listings/order/", form | {"_selected_action": [str(uuid4())]})
    assert Refund.objects.count() == 1


@pytest.mark.parametrize(("amounts", "orders"), [(["10", "20"], 1), (["10"], 2)])
def test_an_amount_that_could_be_of_another_order_or_two_of_them_refund_nothing(
    order: Order, finance: tuple[Client, User], bob: User, amounts: list[str], orders: int
) -> None:
    other = order_one(order.listing, buyer_id=bob.pk)
    selected = [str(order.pk), str(other.pk)][:orders]
    form = {"action": "refund", "_selected_action": selected, "reason": "Broken", "amount": amounts}
    page = finance[0].post("/admin/listings/order/", form)
    assert "Give one amount" in page.content.decode()
    assert not Refund.objects.exists()
