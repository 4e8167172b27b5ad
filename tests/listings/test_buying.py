"""One purchase: the stock is reserved, the order and its message are stored, the buyer is told at once."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, InternalError, connection
from hypothesis import given, settings
from hypothesis.strategies import from_regex, integers, sampled_from
from rest_framework.test import APIClient

from listings.buying.place import Purchase
from listings.buying.purchase import buy_listing
from listings.messages import order_created
from listings.models import MAX_PRICE_CENTS, MAX_QUANTITY, Category, Listing, Order
from listings.refusals import ListingNotFound, OwnListing, SoldOut
from microstore.contracts.contract import Message
from microstore.contracts.transactions import ORDER_CREATED
from microstore.messaging.models import OutboxMessage
from tests.listings.purchases import order_one
from tests.support.problem import read_problem
from tests.support.rows import count_rows
from tests.support.tokens import claims_of, sign

pytestmark = pytest.mark.django_db

REFUSE_OUTBOX = """
    CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk full'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON messaging_outboxmessage EXECUTE FUNCTION pg_temp.refuse();
"""


def buy_url(listing: Listing | int) -> str:
    return f"/api/listings/{listing if isinstance(listing, int) else listing.pk}/buy/"


def available(listing: Listing) -> int:
    return Listing.objects.get(pk=listing.pk).available


def without_id_and_time(message: Message) -> dict[str, Any]:
    return message.model_dump(exclude={"event_id", "occurred_at"})


def test_the_buyer_of_an_armchair_is_told_at_once_where_to_look(api: APIClient, armchair: Listing) -> None:
    response = api.post(buy_url(armchair))
    order = Order.objects.get()
    assert response.status_code == 202
    assert response.json() == {
        "id": str(order.pk),
        "status": "pending",
        "status_url": f"/api/orders/{order.pk}/",
        "trace_id": order.trace_id,
    }
    assert response.headers["Location"] == f"/api/orders/{order.pk}/"
    assert response.headers["X-Trace-Id"] == order.trace_id
    assert "Idempotent-Replayed" not in response.headers


def test_the_place_to_look_shows_the_order(api: APIClient, armchair: Listing) -> None:
    order = api.get(api.post(buy_url(armchair)).json()["status_url"]).json()
    assert order["status"] == "pending"
    assert (order["listing"], order["quantity"], order["unit_price_cents"]) == (armchair.pk, 1, 24_900)
    assert (order["total_cents"], order["fee_cents"], order["transaction_id"]) == (None, None, None)


def test_the_seller_sees_the_order_too(
    api: APIClient, alice: User, armchair: Listing, client_of: Callable[[User], APIClient]
) -> None:
    order_url = api.post(buy_url(armchair)).json()["status_url"]
    assert client_of(alice).get(order_url).json()["listing"] == armchair.pk
    assert client_of(alice).get("/api/orders/").json()["results"][0]["listing"] == armchair.pk


def test_the_order_is_kept_as_it_was_bought(api: APIClient, bob: User, armchair: Listing) -> None:
    api.post(buy_url(armchair))
    order = Order.objects.get()
    assert (order.buyer_id, order.listing_id, order.status) == (bob.pk, armchair.pk, "pending")
    assert (order.quantity, order.unit_price_cents, order.currency) == (1, 24_900, "EUR")
    assert (order.transaction_id, order.fee_cents, order.total_cents, order.settled_at) == (None,) * 4


def test_a_sold_armchair_is_no_longer_available(api: APIClient, armchair: Listing) -> None:
    api.post(buy_url(armchair))
    assert available(armchair) == 0


def test_several_lamps_make_one_order(api: APIClient, put_on_sale: Callable[..., Listing]) -> None:
    lamp = put_on_sale("Reading lamp", quantity=10)
    assert api.post(buy_url(lamp), {"quantity": 4}, format="json").status_code == 202
    assert Order.objects.get().quantity == 4
    assert OutboxMessage.objects.get().payload["quantity"] == 4
    assert available(lamp) == 6


def test_all_lamps_can_be_bought_at_once(api: APIClient, put_on_sale: Callable[..., Listing]) -> None:
    lamp = put_on_sale("Reading lamp", quantity=10)
    assert api.post(buy_url(lamp), {"quantity": 10}, format="json").status_code == 202
    assert available(lamp) == 0


def test_the_transactions_service_is_told_once(
    api: APIClient, alice: User, bob: User, armchair: Listing
) -> None:
    api.post(buy_url(armchair))
    order, message = Order.objects.get(), OutboxMessage.objects.get()
    assert message.contract == "order_created"
    told = ORDER_CREATED.parse(message.payload)
    assert without_id_and_time(told) == {
        "order_id": order.pk,
        "listing_id": armchair.pk,
        "buyer_id": bob.pk,
        "seller_id": alice.pk,
        "quantity": 1,
        "unit_price_cents": 24_900,
        "currency": "EUR",
        "category": "furniture",
        "title": "Crunchy armchair",
        "description": "",
        "picture": "",
        "fee_version": "",
        "trace": order.trace,
    }


@pytest.mark.parametrize(
    "value", ["5" * 32, "0" * 32, str(UUID("5" * 32)), "armchair", "my/order:12;a", "~" * 128]
)
def test_any_printable_trace_id_is_kept_beside_ours(api: APIClient, armchair: Listing, value: str) -> None:
    answer = api.post(buy_url(armchair), headers={"X-Trace-Id": value})
    order = Order.objects.get()
    assert answer.headers["X-Trace-Id"] == value
    assert answer.headers["traceresponse"] == order.trace == OutboxMessage.objects.get().payload["trace"]
    assert answer.json()["trace_id"] == order.trace_id != value


@pytest.mark.parametrize("value", ["ü" * 32, "x" * 129, "a\tb", ""])
def test_a_trace_id_that_is_none_is_replaced(api: APIClient, armchair: Listing, value: str) -> None:
    trace_id = api.post(buy_url(armchair), headers={"X-Trace-Id": value}).headers["X-Trace-Id"]
    assert trace_id == Order.objects.get().trace_id
    assert trace_id != value
    assert len(trace_id) == 32


def test_nobody_buys_from_themselves(
    alice: User, armchair: Listing, client_of: Callable[[User], APIClient]
) -> None:
    before = count_rows()
    problem = read_problem(client_of(alice).post(buy_url(armchair)), 403)
    assert problem["type"] == "urn:microstore:problem:own-listing"
    assert (count_rows(), available(armchair)) == (before, 1)


@pytest.mark.parametrize("status", [Listing.Status.DRAFT, Listing.Status.WITHDRAWN])
def test_what_is_not_on_sale_cannot_be_found(
    api: APIClient, put_on_sale: Callable[..., Listing], status: str
) -> None:
    portrait = put_on_sale("Portrait of somebody's aunt", status=status)
    before = count_rows()
    assert (
        read_problem(api.post(buy_url(portrait)), 404)["type"] == "urn:microstore:problem:listing-not-found"
    )
    assert (count_rows(), available(portrait)) == (before, 1)


@pytest.mark.parametrize("status", [Listing.Status.DRAFT, Listing.Status.WITHDRAWN])
def test_not_even_its_seller_buys_what_is_not_on_sale(
    alice: User, client_of: Callable[[User], APIClient], put_on_sale: Callable[..., Listing], status: str
) -> None:
    read_problem(client_of(alice).post(buy_url(put_on_sale(status=status))), 404)


@pytest.mark.parametrize("listing_id", [0, 10**6, 2**63 - 1, 10**18 - 1])
def test_what_never_was_cannot_be_found(api: APIClient, armchair: Listing, listing_id: int) -> None:
    before = count_rows()
    read_problem(api.post(buy_url(listing_id)), 404)
    assert (count_rows(), available(armchair)) == (before, 1)


def test_what_is_sold_out_cannot_be_bought(api: APIClient, put_on_sale: Callable[..., Listing]) -> None:
    chess_set = put_on_sale("Half a chess set", available=0)
    before = count_rows()
    problem = read_problem(api.post(buy_url(chess_set)), 409)
    assert problem["type"] == "urn:microstore:problem:sold-out"
    assert problem["detail"] == "It is sold out."
    assert (count_rows(), available(chess_set)) == (before, 0)


def test_nobody_buys_more_than_is_left(api: APIClient, put_on_sale: Callable[..., Listing]) -> None:
    lamp = put_on_sale("Reading lamp", quantity=10, available=3)
    before = count_rows()
    problem = read_problem(api.post(buy_url(lamp), {"quantity": 4}, format="json"), 409)
    assert problem["detail"] == "Only 3 left."
    assert (count_rows(), available(lamp)) == (before, 3)


@pytest.mark.parametrize(
    ("listing", "quantity", "refusal"),
    [
        ({"available": 0}, 1, SoldOut),
        ({"quantity": 2}, 3, SoldOut),
        ({"status": "draft"}, 1, ListingNotFound),
    ],
)
def test_the_service_refuses_by_fact(
    purchase: Callable[..., Purchase],
    put_on_sale: Callable[..., Listing],
    listing: dict[str, Any],
    quantity: int,
    refusal: type[Exception],
) -> None:
    wanted = put_on_sale("Radio with one station", **listing)
    with pytest.raises(refusal):
        buy_listing(purchase(listing_id=wanted.pk, quantity=quantity))


def test_the_service_refuses_the_seller(purchase: Callable[..., Purchase], alice: User) -> None:
    with pytest.raises(OwnListing):
        buy_listing(purchase(buyer_id=alice.pk))


@pytest.mark.django_db(transaction=True)
def test_an_outbox_that_cannot_be_written_leaves_nothing(
    purchase: Callable[..., Purchase], armchair: Listing
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(REFUSE_OUTBOX)
    before = count_rows()
    with pytest.raises(InternalError, match="disk full"):
        buy_listing(purchase())
    assert (count_rows(), available(armchair)) == (before, 1)


@given(
    price_cents=integers(1, MAX_PRICE_CENTS),
    currency=from_regex(r"\A[A-Z]{3}\Z"),
    category=sampled_from(Category.values),
    quantity=integers(1, MAX_QUANTITY),
)
@settings(max_examples=30)
def test_whatever_is_on_sale_makes_a_message_that_fits_its_contract(
    bob: User, put_on_sale: Callable[..., Listing], quantity: int, **facts: Any
) -> None:
    OutboxMessage.objects.all().delete()
    order = order_one(put_on_sale(quantity=quantity, **facts), buyer_id=bob.pk, quantity=quantity)
    payload = OutboxMessage.objects.get().payload
    # `parse` forgives a missing field that has a default and ignores an unknown one: both would be lost.
    assert payload.keys() == ORDER_CREATED.payload.model_fields.keys()
    assert without_id_and_time(ORDER_CREATED.parse(payload)) == without_id_and_time(order_created(order))


def test_a_currency_that_would_break_the_contract_cannot_be_stored(
    put_on_sale: Callable[..., Listing],
) -> None:
    with pytest.raises(IntegrityError, match="listing_currency_is_code"):
        put_on_sale("Coat for all weathers but one", currency="eur")


@pytest.mark.django_db(transaction=True)
def test_an_order_that_cannot_be_stored_leaves_nothing(
    purchase: Callable[..., Purchase], put_on_sale: Callable[..., Listing]
) -> None:
    lamp = put_on_sale("Reading lamp", quantity=10)
    before = count_rows()
    with pytest.raises(IntegrityError, match="order_quantity_positive"):
        buy_listing(purchase(listing_id=lamp.pk, quantity=0))
    assert (count_rows(), available(lamp)) == (before, 10)


@pytest.mark.django_db(transaction=True)
def test_a_failure_of_ours_is_a_problem_with_a_trace_id(api: APIClient, armchair: Listing) -> None:
    with connection.cursor() as cursor:
        cursor.execute(REFUSE_OUTBOX)
    response = api.post(buy_url(armchair), headers={"X-Trace-Id": "5" * 32})
    problem = read_problem(response, 500)
    assert "disk full" not in problem["detail"]
    assert response.headers["X-Trace-Id"] == "5" * 32
    assert available(armchair) == 1


@pytest.mark.django_db(transaction=True)
def test_a_user_who_is_gone_buys_nothing(anybody: APIClient, armchair: Listing) -> None:
    token = sign(claims_of(10**9))
    before = count_rows()
    response = anybody.post(buy_url(armchair), headers={"Authorization": f"Bearer {token}"})
    assert read_problem(response, 401)["type"] == "urn:microstore:problem:account-gone"
    assert (count_rows(), available(armchair)) == (before, 1)
