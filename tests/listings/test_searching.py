"""Listings are found by words, and come in the order that was asked for."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from listings.catalogue import search
from listings.catalogue.seller_text import validate_line
from listings.models import Listing
from tests.support.problem import read_problem

pytestmark = pytest.mark.django_db


def titles(response: Any) -> list[str]:
    return [listing["title"] for listing in response.json()["results"]]


def find(client: APIClient, words: str) -> list[str]:
    return titles(client.get("/api/listings/", {"search": words}))


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


@pytest.mark.parametrize(
    ("title", "wanted"),
    [
        ("AC/DC at Donington", "AC/DC"),
        ("AC/DC at Donington", "acdc"),
        ("Waistcoat, XL", "XL"),
        ("Model-2 phonograph", "Model-2"),
        ("USB-3.0 hub", "USB-3.0"),
        ("USB-3.0 hub", "usb3"),
        ("Boots 42.5", "42.5"),
        ("The Who, My Generation", "The Who"),
        ("Café table", "cafe"),
        ("Cafe table", "Café"),
        ("Beautiful lamp", "beautifu"),
        ("Beautiful lamp", "beauti"),
        ("WiFi radio", "Wi-Fi"),
        ("Radio with one station", "stations"),
        ("Wine glass", "glasses"),
        ("Straße nach Süden", "strasse suden"),
        ("Salt & pepper", "salt & pepper"),
        ("Salt & pepper", "salt pepper"),
        ("赤いソファ", "ソファ"),
        ("ГЛОБУС", "глобус"),
        ("مِصْباح", "مصباح"),
        ("☂", "☂"),
        *((each, each) for each in ("!!!", "÷", "???", "+", "$", "¥", "-", "( )", "†††", "\u00b4", "× ×")),
    ],
)
def test_a_title_is_found_as_people_write_it(
    anybody: APIClient, put_on_sale: Callable[..., Listing], title: str, wanted: str
) -> None:
    put_on_sale("赤い椅子, a chair for a model of size 3, with a band - 5 $")
    put_on_sale(title, description="It sounds like autumn leaves, doesn't it?")
    assert titles(anybody.get("/api/listings/", {"search": wanted})) == [title]


@pytest.mark.parametrize(
    ("slip", "title"),
    [
        ("armchiar", "Crunchy armchair"),
        ("crunchy armchiar", "Crunchy armchair"),
        ("beautifull", "A beautiful mirror"),
        ("mirorr beutiful", "A beautiful mirror"),
        ("photografy", "Photography of birds"),
        ("CAFFETIERE", "Cafetière for six"),
        ("bycicle", "Bicycle bell"),
        ("wacth", "Watch with a story"),
        ("oak chiar", "Oak chair"),
        ("chiar", "Oak chair"),
        ("phnoe", "Phone of brass"),
        ("lmap", "Lamp"),
    ],
)
def test_a_slip_finds_what_was_meant(
    anybody: APIClient, put_on_sale: Callable[..., Listing], slip: str, title: str
) -> None:
    for each in (
        "Crunchy armchair",
        "A beautiful mirror",
        "Photography of birds",
        "Cafetière for six",
        "Bicycle bell",
        "Watch with a story",
        "Oak chair",
        "Phone of brass",
        "Lamp",
    ):
        put_on_sale(each)
    assert find(anybody, slip) == [title]


@pytest.mark.parametrize("narrowed", [{}, {"category": "furniture"}, {"max_price_cents": "30000"}])
@pytest.mark.parametrize("slip", ["armchiar", "beautifull armchair"])
def test_what_a_visitor_does_not_see_makes_no_slip_exact(
    anybody: APIClient, put_on_sale: Callable[..., Listing], slip: str, narrowed: dict[str, str]
) -> None:
    put_on_sale("Beautiful armchair")
    for hidden in ({"status": "withdrawn"}, {"status": "draft"}):
        put_on_sale(f"Old {slip}", **hidden)
    if narrowed:
        put_on_sale(f"Toy {slip}", category="toys", price_cents=90_000)
    assert titles(anybody.get("/api/listings/", {"search": slip} | narrowed)) == ["Beautiful armchair"]


def test_who_finds_something_exactly_finds_nothing_similar(
    anybody: APIClient, put_on_sale: Callable[..., Listing]
) -> None:
    put_on_sale("Chess table")
    put_on_sale("Stable for horses")
    assert find(anybody, "table") == ["Chess table"]


@pytest.mark.parametrize("nonsense", ["xqzwkj", "vv", "!!!!", "crunchy xqzwkj"])
def test_what_is_like_nothing_finds_nothing(anybody: APIClient, armchair: Listing, nonsense: str) -> None:
    assert find(anybody, nonsense) == []


PIECES = st.one_of(
    st.sampled_from(
        ["AC/DC", "C++", "№ 5", "L'été", "½", "ﬁne", "Straße", "İstanbul", "O\u2019Neill", "a\u00adb", "x_y"]
    ),
    st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12),
    st.text("abcé0189-/.&'\"\\:*|!()<> ", min_size=1, max_size=12),
    st.text("あア漢字가나अआमกขابةשלжЖΑωé", min_size=1, max_size=12),
    st.text("!?+-$¥€÷×†()\u00b4¨°~_&", min_size=1, max_size=4),
)


@settings(max_examples=100)
@given(pieces=st.lists(PIECES, min_size=1, max_size=8), description=st.sampled_from(("", "Of oak.", "- !")))
def test_any_title_is_found_when_it_is_pasted_whole(
    armchair: Listing, pieces: list[str], description: str
) -> None:
    title = " ".join(" ".join(pieces).split())[:200]
    with suppress(ValidationError):
        validate_line(title)
        Listing.objects.filter(pk=armchair.pk).update(title=title, description=description)
        assert search.find_words(Listing.objects.all(), title).exists(), title


def test_the_index_is_what_the_search_asks_for(shop: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        plan = search.find_words(Listing.objects.all(), "armchair").explain()
    assert "listing_search" in plan


@pytest.mark.parametrize("words", ["", "&search=letter"])
@pytest.mark.parametrize("ordering", ["newest", "oldest", "cheapest", "dearest"])
def test_pages_show_each_listing_once_in_any_order(
    anybody: APIClient, put_on_sale: Callable[..., Listing], ordering: str, words: str
) -> None:
    """Most of them cost the same, so that price alone would not say where a page ends."""
    for number in range(50):
        put_on_sale(f"Letter {number}", price_cents=100 + number % 3)
    seen: list[dict[str, Any]] = []
    url = f"/api/listings/?page_size=7&ordering={ordering}{words}"
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
    with django_assert_num_queries(4):  # is there anything, the ids of the page, its rows, their pictures
        anybody.get("/api/listings/?search=armchair&ordering=cheapest&in_stock=true&category=furniture")
