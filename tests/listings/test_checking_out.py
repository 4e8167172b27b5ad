"""Several things are bought together, or none of them is."""

from collections.abc import Callable, Iterator, Sequence

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from listings.buying import place
from listings.buying.checkout import Checkout, Item, check_out
from listings.models import Listing, Order
from listings.settling.complete import complete_orders
from microstore.contracts.transactions import ORDER_CREATED
from microstore.messaging.models import OutboxMessage
from microstore.refusal import Refusal
from microstore.telemetry.tracing import new_trace
from tests.listings.replies import item_sold
from tests.support.problem import Answer, read_problem
from tests.support.rows import count_rows

pytestmark = pytest.mark.django_db

URL = "/api/checkouts/"


@pytest.fixture
def lamp(put_on_sale: Callable[..., Listing]) -> Listing:
    return put_on_sale("Reading lamp", quantity=10, price_cents=5_900)


def post(client: APIClient, *items: tuple[Listing, int], key: str | None = None) -> Answer:
    body = {"items": [{"listing": listing.pk, "quantity": quantity} for listing, quantity in items]}
    return client.post(URL, body, format="json", headers={"Idempotency-Key": key} if key else {})


def post_seen(client: APIClient, listing: Listing, price_cents: int, *, key: str) -> Answer:
    body = {"items": [{"listing": listing.pk, "price_cents": price_cents}]}
    return client.post(URL, body, format="json", headers={"Idempotency-Key": key})


def available(listing: Listing) -> int:
    return Listing.objects.get(pk=listing.pk).available


def test_two_things_are_two_orders_of_one_checkout(
    api: APIClient, bob: User, armchair: Listing, lamp: Listing
) -> None:
    answer = post(api, (lamp, 3), (armchair, 1))
    assert answer.status_code == 202, answer.content
    body = answer.json()
    assert [(order["listing"], order["quantity"], order["status"]) for order in body["orders"]] == [
        (lamp.pk, 3, "pending"),
        (armchair.pk, 1, "pending"),
    ]
    assert body["trace_id"] == answer.headers["X-Trace-Id"]
    assert (available(lamp), available(armchair)) == (7, 0)
    for said in body["orders"]:
        order = api.get(said["status_url"]).json()
        assert (order["id"], order["checkout_id"], order["buyer_id"]) == (said["id"], body["id"], bob.pk)
        assert order["trace_id"] == body["trace_id"]
    assert [order.unit_price_cents for order in Order.objects.order_by("id")] == [5_900, 24_900]


def test_each_order_is_told_to_the_transactions_service_once(
    api: APIClient, alice: User, bob: User, armchair: Listing, lamp: Listing
) -> None:
    orders = post(api, (armchair, 1), (lamp, 3)).json()["orders"]
    messages = OutboxMessage.objects.order_by("id")
    assert {message.contract for message in messages} == {"order_created"}
    told = [ORDER_CREATED.parse(message.payload) for message in messages]
    assert [str(message.order_id) for message in told] == [order["id"] for order in orders]
    assert told[1].model_dump(exclude={"event_id", "occurred_at", "order_id", "trace"}) == {
        "listing_id": lamp.pk,
        "buyer_id": bob.pk,
        "seller_id": alice.pk,
        "quantity": 3,
        "unit_price_cents": 5_900,
        "currency": "EUR",
        "fee_version": "",
        "category": "furniture",
        "title": "Reading lamp",
        "description": "",
        "picture": "",
    }


def test_fifty_things_can_be_bought_at_once(api: APIClient, put_on_sale: Callable[..., Listing]) -> None:
    many = [put_on_sale(f"Letter {number}") for number in range(50)]
    items = [(listing, 1) for listing in reversed(many)]
    answer = post(api, *items)
    assert [order["listing"] for order in answer.json()["orders"]] == [listing.pk for listing, _ in items]
    assert Order.objects.count() == OutboxMessage.objects.count() == 50


def test_a_checkout_of_any_size_is_three_statements(
    api: APIClient, put_on_sale: Callable[..., Listing]
) -> None:
    """A savepoint, placing it, and the savepoint's end: no statement an item."""
    for size in (1, 20):
        many = [(put_on_sale(f"Letter {number}"), 1) for number in range(size)]
        with CaptureQueriesContext(connection) as asked:
            assert post(api, *many, key=f"{size} letters").status_code == 202
        assert len(asked) == 3


def test_what_cannot_be_had_is_named_and_nothing_is_ordered(
    api: APIClient,
    bob: User,
    lamp: Listing,
    armchair: Listing,
    put_on_sale: Callable[..., Listing],
) -> None:
    sold_out = put_on_sale("Radio with one station", available=0)
    draft = put_on_sale("A draft that nobody has seen", status=Listing.Status.DRAFT)
    own = Listing.objects.create(
        seller=bob, title="Half a chess set", price_cents=900, currency="EUR", quantity=1, available=1
    )
    before = count_rows()
    problem = read_problem(post(api, (lamp, 11), (armchair, 1), (sold_out, 1), (draft, 1), (own, 1)), 409)
    assert problem["type"] == "urn:microstore:problem:checkout-refused"
    assert problem["detail"] == "4 of 5 items cannot be had; nothing was ordered."
    assert [(item["index"], item["listing"], item["type"], item["status"]) for item in problem["items"]] == [
        (0, lamp.pk, "urn:microstore:problem:sold-out", 409),
        (2, sold_out.pk, "urn:microstore:problem:sold-out", 409),
        (3, draft.pk, "urn:microstore:problem:listing-not-found", 404),
        (4, own.pk, "urn:microstore:problem:own-listing", 403),
    ]
    assert problem["items"][0]["detail"] == "Only 10 left."
    assert count_rows() == before
    assert (available(lamp), available(armchair)) == (10, 1)


def test_a_reason_that_is_gone_when_it_is_read_is_no_refusal(
    bob: User, lamp: Listing, armchair: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the statement and the look at why: it is tried again, and decided by what it is then."""
    find, calls = place._find_refusals, []

    def restock_then_find(purchases: Sequence[place.Purchase]) -> Iterator[Refusal | None]:
        calls.append(purchases)
        Listing.objects.filter(pk=armchair.pk).update(available=1)
        return find(purchases)

    Listing.objects.filter(pk=armchair.pk).update(available=0)
    monkeypatch.setattr(place, "_find_refusals", restock_then_find)
    orders, _ = check_out(Checkout([Item(lamp.pk, 1), Item(armchair.pk, 1)], bob.pk, new_trace()))
    assert (len(calls), len(orders)) == (1, 2)
    assert (available(lamp), available(armchair)) == (9, 0)


def test_a_repeat_gets_the_first_answer_whatever_has_happened_since(
    api: APIClient, armchair: Listing, lamp: Listing
) -> None:
    first = post(api, (lamp, 3), (armchair, 1), key="click")
    complete_orders([item_sold(Order.objects.get(listing=lamp).pk)])
    before = count_rows()
    again = post(api, (lamp, 3), (armchair, 1), key="click")
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert count_rows() == before


def test_a_key_stands_for_one_checkout_or_one_purchase(
    api: APIClient, armchair: Listing, lamp: Listing
) -> None:
    post(api, (lamp, 1), key="checkout")
    api.post(f"/api/listings/{lamp.pk}/buy/", headers={"Idempotency-Key": "purchase"})
    before = count_rows()
    answers = [
        post(api, (lamp, 2), key="checkout"),
        post(api, (lamp, 1), (armchair, 1), key="checkout"),
        post_seen(api, lamp, 5_900, key="checkout"),
        post(api, (lamp, 1), key="purchase"),
        api.post(f"/api/listings/{lamp.pk}/buy/", headers={"Idempotency-Key": "checkout"}),
    ]
    for answer in answers:
        assert read_problem(answer, 422)["type"] == "urn:microstore:problem:key-reused"
    assert count_rows() == before


def test_a_checkout_at_another_price_is_another_request(api: APIClient, lamp: Listing) -> None:
    first = post_seen(api, lamp, 5_900, key="click")
    assert (first.status_code, post_seen(api, lamp, 5_900, key="click").content) == (202, first.content)
    read_problem(post_seen(api, lamp, 5_800, key="click"), 422)
    assert Order.objects.count() == 1


def test_a_refused_checkout_leaves_its_key_free(api: APIClient, armchair: Listing, lamp: Listing) -> None:
    assert post(api, (armchair, 1), (lamp, 11), key="click").status_code == 409
    assert post(api, (armchair, 1), (lamp, 10), key="click").status_code == 202


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        [],
        {"items": []},
        {"items": {}},
        {"items": ["lamp"]},
        {"items": [{}]},
        {"items": [{"quantity": 1}]},
        {"items": [{"listing": "1"}]},
        {"items": [{"listing": 0}]},
        {"items": [{"listing": 2**63}]},
        {"items": [{"listing": 1, "quantity": 0}]},
        {"items": [{"listing": 1, "quantity": 1.0}]},
        {"items": [{"listing": 1, "colour": "red"}]},
        {"items": [{"listing": 1}], "coupon": "FREE"},
        {"items": [{"listing": 1}, {"listing": 2}, {"listing": 1, "quantity": 2}]},
        {"items": [{"listing": number} for number in range(1, 52)]},
    ],
)
def test_what_is_no_checkout_is_refused(api: APIClient, body: object) -> None:
    before = count_rows()
    assert "errors" in read_problem(api.post(URL, body, format="json"), 400)
    assert count_rows() == before
