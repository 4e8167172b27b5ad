"""Putting things on sale, finding them, and what a page of them costs."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from listings.models import Listing, Order

pytestmark = pytest.mark.django_db

LAMP: dict[str, Any] = {"title": "Reading lamp that sees you", "price_cents": 5_900, "currency": "EUR"}

# A new query is a diff in this file. Savepoints are counted where a test's own transaction surrounds them.
QUERIES_OF_A_LIST_PAGE = 3  # their ids, the listings, images
QUERIES_OF_A_LISTING = 2
QUERIES_OF_A_PAGE_OF_ORDERS = 1
QUERIES_OF_AN_ORDER = 1
QUERIES_OF_A_PURCHASE = 1  # the function that places it
QUERIES_OF_A_REPLAY = 5  # the function, the reasons why it places nothing, the order there is, its standby


def titles(response: Any) -> list[str]:
    return [listing["title"] for listing in response.json()["results"]]


def test_what_is_listed_is_on_sale_at_once(api: APIClient, anybody: APIClient, bob: User) -> None:
    response = api.post("/api/listings/", LAMP, format="json")
    listing = Listing.objects.get()
    assert response.status_code == 201
    assert response.json() == LAMP | {
        "id": listing.pk,
        "description": "",
        "category": "other",
        "quantity": 1,
        "available": 1,
        "status": "on_sale",
        "seller": "bob",
        "seller_id": bob.pk,
        "images": [],
        "created_at": listing.created_at.isoformat().replace("+00:00", "Z"),
        "updated_at": listing.updated_at.isoformat().replace("+00:00", "Z"),
    }
    assert titles(anybody.get("/api/listings/")) == [LAMP["title"]]


def test_all_that_is_said_of_a_listing_is_kept(api: APIClient) -> None:
    said = LAMP | {"description": "It sees you. ☂ 𐍈", "category": "furniture", "quantity": 10}
    answer = api.post("/api/listings/", said, format="json").json()
    assert said.items() <= answer.items()
    assert said.items() <= api.get(f"/api/listings/{answer['id']}/").json().items()
    assert answer["available"] == 10


def test_the_greatest_sensible_numbers_are_taken(api: APIClient) -> None:
    greatest = LAMP | {"price_cents": 1_000_000_000, "quantity": 1_000_000, "title": "l" * 200}
    assert api.post("/api/listings/", greatest, format="json").status_code == 201


def test_a_draft_is_its_sellers_alone(api: APIClient, anybody: APIClient) -> None:
    draft = api.post("/api/listings/", LAMP | {"draft": True}, format="json").json()
    assert draft["status"] == "draft"
    assert titles(api.get("/api/listings/")) == [LAMP["title"]]
    assert api.get(f"/api/listings/{draft['id']}/").status_code == 200
    assert titles(anybody.get("/api/listings/")) == []
    assert anybody.get(f"/api/listings/{draft['id']}/").status_code == 404


@pytest.mark.parametrize("status", [Listing.Status.DRAFT, Listing.Status.WITHDRAWN])
def test_another_user_does_not_see_what_is_not_on_sale(
    api: APIClient, put_on_sale: Callable[..., Listing], status: str
) -> None:
    portrait = put_on_sale("Portrait of somebody's aunt", status=status)
    assert titles(api.get("/api/listings/")) == []
    assert api.get(f"/api/listings/{portrait.pk}/").status_code == 404


def test_what_is_sold_out_can_still_be_looked_at(
    anybody: APIClient, put_on_sale: Callable[..., Listing]
) -> None:
    chess_set = put_on_sale("Half a chess set", available=0)
    assert anybody.get(f"/api/listings/{chess_set.pk}/").json()["available"] == 0


def test_pages_show_each_listing_once_newest_first(
    anybody: APIClient, put_on_sale: Callable[..., Listing]
) -> None:
    expected = [put_on_sale(f"Letter {number}").title for number in range(45)][::-1]
    seen, url = [], "/api/listings/"
    while url:
        page = anybody.get(url)
        seen += titles(page)
        url = page.json()["next"]
        put_on_sale("A letter that came late")
    assert seen == expected


def test_pages_can_be_turned_back(anybody: APIClient, put_on_sale: Callable[..., Listing]) -> None:
    for number in range(30):
        put_on_sale(f"Letter {number}")
    first = anybody.get("/api/listings/")
    second = anybody.get(first.json()["next"])
    assert titles(anybody.get(second.json()["previous"])) == titles(first)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("category=books", ["Letters from a lighthouse"]),
        ("currency=JPY", ["Half a chess set"]),
        ("search=ARM", ["Crunchy armchair"]),
        ("search=%25", []),
        ("min_price_cents=1800&max_price_cents=24899", ["Letters from a lighthouse"]),
        ("min_price_cents=24900", ["Crunchy armchair"]),
        ("max_price_cents=1199", []),
        ("in_stock=true", ["Letters from a lighthouse", "Crunchy armchair"]),
        ("in_stock=false", ["Half a chess set"]),
        ("category=toys&in_stock=true", []),
    ],
)
def test_listings_are_found_by_what_they_are(
    anybody: APIClient, put_on_sale: Callable[..., Listing], query: str, found: list[str]
) -> None:
    put_on_sale("Crunchy armchair")
    put_on_sale("Half a chess set", category="toys", price_cents=1_200, currency="JPY", available=0)
    put_on_sale("Letters from a lighthouse", category="books", price_cents=1_800)
    assert titles(anybody.get(f"/api/listings/?{query}")) == found


def test_listings_are_found_by_their_seller(
    api: APIClient, alice: User, bob: User, armchair: Listing
) -> None:
    api.post("/api/listings/", LAMP, format="json")
    assert titles(api.get("/api/listings/", {"seller": alice.pk})) == ["Crunchy armchair"]
    assert titles(api.get("/api/listings/", {"seller": bob.pk})) == [LAMP["title"]]


def test_a_buyers_orders_are_found_by_status(
    api: APIClient, bob: User, put_on_sale: Callable[..., Listing]
) -> None:
    lamp = put_on_sale("Reading lamp", quantity=10)
    for status in ("pending", "rejected", "cancelled"):
        Order.objects.create(
            buyer=bob, listing=lamp, quantity=1, unit_price_cents=1, currency="EUR", status=status
        )
    found = api.get("/api/orders/?status=rejected").json()["results"]
    assert [order["status"] for order in found] == ["rejected"]


def test_an_account_sees_the_orders_of_a_listing(api: APIClient, put_on_sale: Callable[..., Listing]) -> None:
    lamp, radio = put_on_sale("Reading lamp"), put_on_sale("Radio with one station")
    for listing in (lamp, radio):
        api.post(f"/api/listings/{listing.pk}/buy/")
    found = api.get("/api/orders/", {"listing": radio.pk}).json()["results"]
    assert [order["listing"] for order in found] == [radio.pk]


def test_pages_of_orders_have_what_was_bought_and_what_was_sold(
    api: APIClient, alice: User, bob: User, put_on_sale: Callable[..., Listing]
) -> None:
    lamp, radio = put_on_sale("Reading lamp"), put_on_sale("Radio with one station")
    Listing.objects.filter(pk=radio.pk).update(seller=bob)
    deals = [(bob, lamp), (alice, radio), (alice, radio), (bob, lamp), (alice, radio)]
    made = [
        Order.objects.create(buyer=buyer, listing=listing, quantity=1, unit_price_cents=1, currency="EUR")
        for buyer, listing in deals
    ]
    newest = [str(order.pk) for order in reversed(made)]
    pages = [api.get("/api/orders/?page_size=2").json()]
    for _ in range(2):
        pages.append(api.get(pages[-1]["next"]).json())
    assert [[order["id"] for order in page["results"]] for page in pages] == [
        newest[:2], newest[2:4], newest[4:]
    ]  # fmt: skip
    assert pages[-1]["next"] is None
    back = api.get(pages[-1]["previous"]).json()
    assert [order["id"] for order in back["results"]] == newest[2:4]
    sold = api.get("/api/orders/?role=seller").json()["results"]
    assert [order["listing"] for order in sold] == [radio.pk] * 3


@pytest.mark.parametrize("listed", [1, 20, 60])
def test_a_page_costs_the_same_however_much_is_listed(
    anybody: APIClient,
    put_on_sale: Callable[..., Listing],
    django_assert_num_queries: DjangoAssertNumQueries,
    listed: int,
) -> None:
    for _ in range(listed):
        put_on_sale()
    with django_assert_num_queries(QUERIES_OF_A_LIST_PAGE):
        anybody.get("/api/listings/")


@pytest.mark.parametrize("ordered", [1, 20])
def test_a_page_of_orders_costs_the_same_however_many_there_are(
    api: APIClient,
    bob: User,
    armchair: Listing,
    django_assert_num_queries: DjangoAssertNumQueries,
    ordered: int,
) -> None:
    for _ in range(ordered):
        Order.objects.create(buyer=bob, listing=armchair, quantity=1, unit_price_cents=1, currency="EUR")
    with django_assert_num_queries(QUERIES_OF_A_PAGE_OF_ORDERS):
        api.get("/api/orders/")


def test_one_listing_costs_one_query(
    api: APIClient, armchair: Listing, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(QUERIES_OF_A_LISTING):
        api.get(f"/api/listings/{armchair.pk}/")


def test_a_purchase_costs_few_queries(
    api: APIClient, armchair: Listing, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(QUERIES_OF_A_PURCHASE):
        order_url = api.post(f"/api/listings/{armchair.pk}/buy/").json()["status_url"]
    with django_assert_num_queries(QUERIES_OF_AN_ORDER):
        api.get(order_url)


def test_a_purchase_with_a_key_costs_no_more_and_its_replay_few(
    api: APIClient, armchair: Listing, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    url, key = f"/api/listings/{armchair.pk}/buy/", {"Idempotency-Key": "click"}
    with django_assert_num_queries(QUERIES_OF_A_PURCHASE):
        api.post(url, headers=key)
    with django_assert_num_queries(QUERIES_OF_A_REPLAY):
        api.post(url, headers=key)
