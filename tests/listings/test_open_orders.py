"""Nobody holds a shop's stock: pieces, open orders and cancellations are bounded on every way to buy."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from rest_framework.test import APIClient

from listings.buying.offer import write_offer
from listings.models import Listing, Order
from listings.settling.cancel import cancel_order
from listings.settling.complete import complete_orders
from microstore.staff.lists import first_id_at
from tests.listings.purchases import order_one
from tests.listings.replies import item_sold
from tests.support.pages import text
from tests.support.problem import Answer, read_problem

pytestmark = pytest.mark.django_db

PROBLEM = "urn:microstore:problem:"


@pytest.fixture(autouse=True)
def bounds(settings: Settings, a_crowd_in_few_people: None) -> None:
    settings.MAX_PIECES_PER_ORDER, settings.MAX_CANCELLATIONS_PER_HOUR = 10, 3
    settings.MAX_OPEN_ORDERS, settings.MAX_OPEN_ORDERS_OF_LISTING = 5, 3


@pytest.fixture
def lamp(put_on_sale: Callable[..., Listing]) -> Listing:
    return put_on_sale("Reading lamp", quantity=1_000)


def buy(api: APIClient, listing: Listing, quantity: int = 1, *, key: str | None = None) -> Answer:
    headers = {"Idempotency-Key": key} if key else {}
    return api.post(
        f"/api/listings/{listing.pk}/buy/", {"quantity": quantity}, format="json", headers=headers
    )


def check_out(api: APIClient, *items: tuple[Listing, int]) -> Answer:
    wanted = [{"listing": listing.pk, "quantity": quantity} for listing, quantity in items]
    return api.post("/api/checkouts/", {"items": wanted}, format="json")


def left(listing: Listing) -> int:
    return Listing.objects.values_list("available", flat=True).get(pk=listing.pk)


def test_an_order_has_a_bounded_number_of_pieces(api: APIClient, shopper: Client, lamp: Listing) -> None:
    problem = read_problem(buy(api, lamp, 11), 409)
    assert (problem["type"], problem["detail"]) == (
        f"{PROBLEM}too-many-pieces",
        "One order has 10 pieces at most.",
    )
    [item] = read_problem(check_out(api, (lamp, 11)), 409)["items"]
    assert item["type"] == problem["type"]
    assert problem["detail"] in text(
        shopper.post(f"/listings/{lamp.pk}/buy/", {"quantity": "11", "shown": "11"}), 409
    )
    shopper.post(f"/listings/{lamp.pk}/cart/", {"quantity": "9"})
    shopper.post(f"/cart/{lamp.pk}/", {"quantity": "11"})
    assert left(lamp) == 1_000
    assert buy(api, lamp, 10).status_code == 202


def test_a_buyer_has_a_bounded_number_of_open_orders_of_one_listing(
    api: APIClient, shopper: Client, lamp: Listing, armchair: Listing
) -> None:
    assert [buy(api, lamp).status_code for _ in range(3)] == [202, 202, 202]
    problem = read_problem(buy(api, lamp), 409)
    assert problem["type"] == f"{PROBLEM}too-many-open-orders"
    assert problem["detail"] == "Of your orders of one listing 3 at most may wait to be settled."
    assert problem["detail"] in text(
        shopper.post(f"/listings/{lamp.pk}/buy/", {"seen": write_offer(lamp)}), 409
    )
    [item] = read_problem(check_out(api, (armchair, 1), (lamp, 1)), 409)["items"]
    assert (item["index"], item["type"]) == (1, problem["type"])
    assert (left(lamp), left(armchair)) == (997, 1)
    assert buy(api, armchair).status_code == 202


def test_a_buyer_has_a_bounded_number_of_open_orders_of_all_listings(
    api: APIClient, put_on_sale: Callable[..., Listing]
) -> None:
    lamps = [put_on_sale(f"Lamp {number}", quantity=9) for number in range(7)]
    assert check_out(api, *[(lamp, 1) for lamp in lamps]).status_code == 409, "Not one more than the bound."
    assert check_out(api, *[(lamp, 1) for lamp in lamps[:5]]).status_code == 202
    assert read_problem(buy(api, lamps[6]), 409)["type"] == f"{PROBLEM}too-many-open-orders"
    complete_orders([item_sold(Order.objects.order_by("id")[0].pk)])
    assert buy(api, lamps[6]).status_code == 202
    assert read_problem(buy(api, lamps[5]), 409)["type"] == f"{PROBLEM}too-many-open-orders"


def test_the_open_orders_of_others_do_not_count(
    api: APIClient, lamp: Listing, make_user: Callable[..., User]
) -> None:
    for _ in range(3):
        order_one(lamp, buyer_id=make_user().pk)
    assert buy(api, lamp).status_code == 202


def test_a_repeat_gets_its_order_however_many_are_open(api: APIClient, lamp: Listing) -> None:
    first = buy(api, lamp, key="once")
    for _ in range(2):
        buy(api, lamp)
    assert buy(api, lamp).status_code == 409
    again = buy(api, lamp, key="once")
    assert (again.status_code, again.json()) == (202, first.json())


def test_no_bound_is_none(api: APIClient, lamp: Listing, settings: Settings) -> None:
    settings.MAX_PIECES_PER_ORDER = settings.MAX_OPEN_ORDERS = settings.MAX_OPEN_ORDERS_OF_LISTING = 0
    assert [buy(api, lamp, 11).status_code for _ in range(7)] == [202] * 7


def cancel(api: APIClient, order: Order) -> Answer:
    return api.post(f"/api/orders/{order.pk}/cancel/")


def test_who_has_cancelled_too_often_keeps_what_is_ordered(
    api: APIClient, shopper: Client, lamp: Listing, bob: User
) -> None:
    orders = [order_one(lamp, buyer_id=bob.pk) for _ in range(3)]
    for order in orders:
        assert cancel(api, order).status_code == 200
    one_more = order_one(lamp, buyer_id=bob.pk)
    problem = read_problem(cancel(api, one_more), 429)
    assert problem["type"] == f"{PROBLEM}too-many-cancellations"
    assert problem["detail"] in text(shopper.post(f"/orders/{one_more.pk}/cancel/"), 429)
    assert left(lamp) == 999
    assert cancel(api, orders[0]).status_code == 200, "A repeat changes nothing."


def test_cancellations_of_others_and_of_earlier_orders_do_not_count(
    api: APIClient, lamp: Listing, bob: User, make_user: Callable[..., User]
) -> None:
    fields: dict[str, Any] = {"listing": lamp, "quantity": 1, "unit_price_cents": 1, "status": "cancelled"}
    fields["settled_at"] = timezone.now()
    for minutes, buyer in ((61, bob), (62, bob), (63, bob), (1, make_user())):
        made = first_id_at(timezone.now() - timedelta(minutes=minutes))
        Order.objects.create(id=made, buyer=buyer, **fields)
    assert cancel(api, order_one(lamp, buyer_id=bob.pk)).status_code == 200


def test_cancelling_is_counted_in_the_service_for_the_api_and_the_pages_alike(
    bob: User, lamp: Listing, settings: Settings
) -> None:
    settings.MAX_CANCELLATIONS_PER_HOUR = 0
    for _ in range(5):
        cancel_order(order_one(lamp, buyer_id=bob.pk).pk, buyer_id=bob.pk)
    assert left(lamp) == 1_000
