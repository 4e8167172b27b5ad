"""What buyers and sellers see of their orders."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from listings.models import Listing, LiveEvent, Order
from listings.settling.complete import complete_orders
from listings.settling.release import reject_orders
from listings.tasks import order_voided as handle_order_voided
from microstore.messaging.models import OutboxMessage
from tests.listings.replies import item_sold, order_rejected, order_voided
from tests.support.problem import read_problem

pytestmark = pytest.mark.django_db

QUERIES_OF_A_PAGE = 1
QUERIES_OF_A_TIMELINE = 4  # the order, the outbox while it is pending, its live event


@pytest.fixture
def buy(api: APIClient) -> Callable[[Listing], Order]:
    """Bob buys one."""

    def buy_one(listing: Listing) -> Order:
        answer = api.post(f"/api/listings/{listing.pk}/buy/")
        return Order.objects.get(pk=answer.json()["id"])

    return buy_one


def listed(client: APIClient, **filters: Any) -> list[str]:
    answer = client.get("/api/orders/", filters)
    assert answer.status_code == 200, answer.content
    return [order["id"] for order in answer.json()["results"]]


def steps(client: APIClient, order: Order) -> list[tuple[str, bool]]:
    answer = client.get(f"/api/orders/{order.pk}/timeline/")
    assert (answer.json()["order"], answer.json()["trace_id"]) == (str(order.pk), order.trace_id)
    return [(step["name"], step["done"]) for step in answer.json()["steps"]]


def test_sellers_see_what_they_sold_and_buyers_what_they_bought(
    api: APIClient,
    bob: User,
    armchair: Listing,
    buy: Callable[[Listing], Order],
    alice: User,
    client_of: Callable[[User], APIClient],
) -> None:
    bought = str(buy(armchair).pk)
    own = Listing.objects.create(
        seller=bob, title="Half a chess set", price_cents=900, currency="EUR", quantity=1, available=1
    )
    shop = client_of(alice)
    sold = shop.post(f"/api/listings/{own.pk}/buy/").json()["id"]
    assert listed(api) == [sold, bought]
    assert (listed(api, role="buyer"), listed(api, role="seller")) == ([bought], [sold])
    assert (listed(shop, role="buyer"), listed(shop, role="seller")) == ([sold], [bought])
    seen = shop.get("/api/orders/", {"role": "seller"}).json()["results"][0]
    assert (seen["listing_title"], seen["seller_id"]) == ("Crunchy armchair", alice.pk)
    assert seen["buyer_id"] == bob.pk


def test_orders_are_found_by_status_listing_checkout_and_time(
    api: APIClient, buy: Callable[[Listing], Order], put_on_sale: Callable[..., Listing]
) -> None:
    lamp, radio = put_on_sale("Reading lamp", quantity=9), put_on_sale("Radio with one station", quantity=9)
    first, second = buy(lamp), buy(radio)
    complete_orders([item_sold(first.pk)])
    checkout = api.post("/api/checkouts/", {"items": [{"listing": radio.pk}]}, format="json").json()
    third = checkout["orders"][0]["id"]
    assert listed(api, status="completed") == [str(first.pk)]
    assert listed(api, listing=radio.pk) == [third, str(second.pk)]
    assert listed(api, checkout=checkout["id"]) == [third]
    # Inside of a test's transaction the database's clock stands still.
    Order.objects.filter(pk=first.pk).update(created_at=second.created_at - timedelta(seconds=1))
    assert listed(api, created_after=second.created_at.isoformat()) == [third, str(second.pk)]
    assert listed(api, created_before=second.created_at.isoformat()) == [str(first.pk)]
    assert listed(api, status="completed", listing=radio.pk) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"role": "admin"},
        {"status": "lost"},
        {"listing": "lamp"},
        {"listing": 2**63},
        {"listing": "1.5"},
        {"checkout": "lamp"},
        {"created_after": "yesterday"},
        {"created_before": "2026-13-01T00:00:00Z"},
    ],
)
def test_a_filter_that_is_none_is_named(api: APIClient, wrong: dict[str, Any]) -> None:
    assert read_problem(api.get("/api/orders/", wrong), 400)["errors"].keys() == wrong.keys()


@pytest.mark.parametrize("edge", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_time_beyond_the_ends_of_time_is_none(api: APIClient, edge: str) -> None:
    assert "created_after" in read_problem(api.get("/api/orders/", {"created_after": edge}), 400)["errors"]


@pytest.mark.parametrize("role", ["", "buyer", "seller"])
def test_a_page_of_orders_takes_a_constant_number_of_queries(
    api: APIClient,
    alice: User,
    client_of: Callable[[User], APIClient],
    buy: Callable[[Listing], Order],
    put_on_sale: Callable[..., Listing],
    django_assert_num_queries: DjangoAssertNumQueries,
    role: str,
) -> None:
    client = client_of(alice) if role == "seller" else api
    for number in range(2):
        for _ in range(9):
            buy(put_on_sale(f"Letter {number}"))
        with django_assert_num_queries(QUERIES_OF_A_PAGE):
            assert len(listed(client, **({"role": role} if role else {}))) == 9 * (number + 1)


def test_a_purchase_can_be_followed_to_its_end(
    api: APIClient,
    armchair: Listing,
    buy: Callable[[Listing], Order],
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    order = buy(armchair)
    rest = [("recorded", False), ("confirmed", False), ("pushed", False)]
    with django_assert_num_queries(QUERIES_OF_A_TIMELINE):
        assert steps(api, order) == [("accepted", True), ("published", False), *rest]
    OutboxMessage.objects.all().delete()
    assert steps(api, order) == [("accepted", True), ("published", True), *rest]

    sale = item_sold(order.pk)
    complete_orders([sale])
    names = ["accepted", "published", "recorded", "confirmed", "pushed"]
    assert steps(api, order) == [(name, True) for name in names]
    order.refresh_from_db()
    told = api.get(f"/api/orders/{order.pk}/timeline/").json()["steps"]
    at = {step["name"]: step["at"] and datetime.fromisoformat(step["at"]) for step in told}
    assert (at["accepted"], at["confirmed"]) == (order.created_at, order.settled_at)
    assert at["published"] is None
    assert abs(at["recorded"] - timezone.now()) < timedelta(minutes=1)
    assert at["pushed"] == LiveEvent.objects.get().created_at
    assert str(sale.transaction_id) in told[2]["detail"]
    Order.objects.update(transaction_id="ffffffff-ffff-7fff-bfff-ffffffffffff")  # of the year 10889
    assert api.get(f"/api/orders/{order.pk}/timeline/").json()["steps"][2]["at"] is None


def test_a_rejected_purchase_says_why(
    api: APIClient, armchair: Listing, buy: Callable[[Listing], Order]
) -> None:
    order = buy(armchair)
    reject_orders([order_rejected(order.pk, reason="no fee is set for XTS")])
    assert steps(api, order) == [(n, True) for n in ("accepted", "published", "rejected", "pushed")]
    told = api.get(f"/api/orders/{order.pk}/timeline/").json()["steps"]
    assert told[2]["detail"] == "no fee is set for XTS"


def test_a_cancelled_purchase_says_whether_the_other_service_knows(
    api: APIClient, armchair: Listing, buy: Callable[[Listing], Order]
) -> None:
    order = buy(armchair)
    api.post(f"/api/orders/{order.pk}/cancel/")
    done = [("accepted", True), ("published", True), ("cancelled", True)]
    assert steps(api, order) == [*done, ("voided", False), ("pushed", True)]
    handle_order_voided([order_voided(order.pk)])
    assert steps(api, order) == [*done, ("voided", True), ("pushed", True)]


def test_what_is_no_longer_kept_of_the_live_feed_was_told_all_the_same(
    api: APIClient, armchair: Listing, buy: Callable[[Listing], Order]
) -> None:
    order = buy(armchair)
    complete_orders([item_sold(order.pk)])
    LiveEvent.objects.all().delete()
    assert steps(api, order)[-1] == ("pushed", True)
