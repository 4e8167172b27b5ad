"""Listings are found by words, and come in the order that was asked for."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from listings.catalogue import search
from listings.models import Listing
from tests.support.problem import read_problem

pytestmark = pytest.mark.django_db


def titles(response: Any) -> list[str]:
    return [listing["title"] for listing in response.json()["results"]]


@pytest.fixture
def shop(put_on_sale: Callable[..., Listing]) -> None:
    put_on_sale("Crunchy armchair", description="It sounds like autumn leaves.")
    put_on_sale("Reading lamp", description="For armchairs that read.", price_cents=5_900, category="other")
    put_on_sale("Radio with one station", price_cents=7_400, category="electronics")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("armchair", ["Reading lamp", "Crunchy armchair"]),
        ("ARM", ["Reading lamp", "Crunchy armchair"]),
        ("leaf", []),
        ("leaves crunchy", ["Crunchy armchair"]),
        ("crunchy lamp", []),
        ("stations", ["Radio with one station"]),
        ("lamp' | 'radio", []),
        ("lamp & ! radio", []),
        ("crunchy:*", ["Crunchy armchair"]),
        ("\\", []),
        ("%", []),
        ("''", []),
        ("☂", []),
    ],
)
def test_listings_are_found_by_their_words(
    anybody: APIClient, shop: None, words: str, found: list[str]
) -> None:
    assert titles(anybody.get("/api/listings/", {"search": words})) == found


def test_the_index_is_what_the_search_asks_for(shop: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = search.find_words(Listing.objects.all(), "armchair").explain()
    assert "listing_words" in plan


@pytest.mark.parametrize("ordering", ["newest", "oldest", "cheapest", "dearest"])
def test_pages_show_each_listing_once_in_any_order(
    anybody: APIClient, put_on_sale: Callable[..., Listing], ordering: str
) -> None:
    """Most of them cost the same, so that price alone would not say where a page ends."""
    for number in range(50):
        put_on_sale(f"Letter {number}", price_cents=100 + number % 3)
    seen: list[dict[str, Any]] = []
    url = f"/api/listings/?page_size=7&ordering={ordering}"
    while url:
        page = anybody.get(url).json()
        seen += page["results"]
        url = page["next"]
        assert len(seen) <= 50
    key = "price_cents" if ordering in ("cheapest", "dearest") else "id"
    values = [listing[key] for listing in seen]
    assert values == sorted(values, reverse=ordering in ("newest", "dearest"))
    assert len({listing["id"] for listing in seen}) == len(seen) == 50


def test_an_order_that_there_is_not_is_refused(anybody: APIClient) -> None:
    problem = read_problem(anybody.get("/api/listings/?ordering=prettiest"), 400)
    assert list(problem["errors"]) == ["ordering"]


@pytest.mark.parametrize("listed", [1, 30])
def test_a_search_costs_the_same_however_much_is_found(
    anybody: APIClient,
    put_on_sale: Callable[..., Listing],
    django_assert_num_queries: DjangoAssertNumQueries,
    listed: int,
) -> None:
    for _ in range(listed):
        put_on_sale()
    with django_assert_num_queries(2):
        anybody.get("/api/listings/?search=armchair&ordering=cheapest&in_stock=true&category=furniture")
