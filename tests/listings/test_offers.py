"""A buyer buys at the price that was seen, or at a lower one: on every way to buy."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.test import Client
from rest_framework.test import APIClient

from listings.buying import fast_path
from listings.buying.offer import Offer
from listings.buying.place import Placed, Purchase, place_orders
from listings.models import Listing, Order
from microstore.refusal import Refusal
from microstore.telemetry.tracing import new_trace
from tests.support.pages import address, form_of, text
from tests.support.problem import Answer, read_problem

pytestmark = pytest.mark.django_db

SEEN = {"price_cents": 24_900, "currency": "EUR"}
CHANGES: list[dict[str, Any]] = [{"price_cents": 925_000}, {"currency": "JPY"}]


def change(listing: Listing, **values: Any) -> None:
    """As its seller, staff or anybody else may do it: past every door of the shop."""
    Listing.objects.filter(pk=listing.pk).update(**values)


def buy(api: APIClient, listing: Listing, body: dict[str, Any], **headers: str) -> Answer:
    return api.post(f"/api/listings/{listing.pk}/buy/", body, format="json", headers=headers)


def check_out(api: APIClient, listing: Listing, body: dict[str, Any]) -> Answer:
    return api.post("/api/checkouts/", {"items": [{"listing": listing.pk, **body}]}, format="json")


@pytest.mark.parametrize("changed", CHANGES)
def test_a_higher_price_is_refused_and_the_present_offer_shown(
    api: APIClient, armchair: Listing, changed: dict[str, Any]
) -> None:
    change(armchair, **changed)
    problem = read_problem(buy(api, armchair, SEEN), 409)
    assert problem["type"] == "urn:microstore:problem:price-changed"
    assert problem["offer"] == {**SEEN, **changed, "etag": '"2"'}
    refusal = read_problem(check_out(api, armchair, SEEN), 409)
    assert refusal["detail"] == "1 of 1 items changed in price; nothing was ordered."
    refused = refusal["items"][0]
    assert (refused["type"], refused["offer"]) == (problem["type"], problem["offer"])
    assert not Order.objects.exists()
    assert buy(api, armchair, {"price_cents": problem["offer"]["price_cents"]}).status_code == 202


@pytest.mark.parametrize(
    "wrong",
    ["", "withdrawn", "few", "own", "dear", "foreign", "edited", "seller suspended", "buyer suspended"],
)
def test_what_the_statement_leaves_out_has_a_reason_and_nothing_else_has(
    bob: User, alice: User, put_on_sale: Callable[..., Listing], wrong: str
) -> None:
    """The conditions stand in place_orders.sql, and again where a refusal explains them."""
    listing = put_on_sale(quantity=2, status="withdrawn" if wrong == "withdrawn" else "on_sale")
    User.objects.filter(pk=alice.pk).update(is_active=wrong != "seller suspended")
    User.objects.filter(pk=bob.pk).update(is_active=wrong != "buyer suspended")
    seen = Offer(
        24_899 if wrong == "dear" else 24_900,
        "JPY" if wrong == "foreign" else "EUR",
        frozenset({2 if wrong == "edited" else 1}),
    )
    buyer, quantity = alice if wrong == "own" else bob, 3 if wrong == "few" else 2
    (outcome,) = place_orders([Purchase(listing.pk, buyer.pk, quantity, new_trace(), seen=seen)])
    assert isinstance(outcome, Refusal if wrong else Placed)


def test_a_lower_price_is_what_the_buyer_pays(api: APIClient, armchair: Listing) -> None:
    change(armchair, price_cents=9_900)
    assert buy(api, armchair, SEEN).status_code == 202
    assert Order.objects.get().unit_price_cents == 9_900


@pytest.mark.parametrize("changed", [{"title": "Photo of a watch"}, {"description": "Only a photo."}])
def test_an_edition_that_was_seen_is_the_one_that_is_bought(
    api: APIClient, armchair: Listing, changed: dict[str, Any]
) -> None:
    seen = api.get(f"/api/listings/{armchair.pk}/").headers["ETag"]
    change(armchair, **changed)
    refused = read_problem(buy(api, armchair, {}, **{"If-Match": seen}), 412)
    assert refused["type"] == "urn:microstore:problem:edition-outdated"
    now = api.get(f"/api/listings/{armchair.pk}/").headers["ETag"]
    assert buy(api, armchair, {}, **{"If-Match": now}).status_code == 202


@pytest.mark.parametrize(
    "header",
    ["", ",", "made up", '"__main__"', 'W/"1"', '"01"', 'x"1"', '"1"x', '"999999999"', f'"{"9" * 30}"'],
)
def test_an_edition_that_is_none_is_another_one(api: APIClient, armchair: Listing, header: str) -> None:
    for body in ({}, {"price_cents": armchair.price_cents, "currency": "EUR"}):
        problem = read_problem(buy(api, armchair, body, **{"If-Match": header}), 412)
        assert problem["type"] == "urn:microstore:problem:edition-outdated"


@pytest.mark.parametrize(
    "body", [{"price_cents": -1}, {"price_cents": "1"}, {"currency": 7}, {"currency": "EURO"}]
)
def test_what_is_no_offer_is_refused(api: APIClient, armchair: Listing, body: dict[str, Any]) -> None:
    assert "errors" in read_problem(buy(api, armchair, body), 400)
    assert "errors" in read_problem(check_out(api, armchair, body), 400)


@pytest.mark.parametrize("changed", [*CHANGES, {"title": "Photo of a watch"}])
def test_the_page_of_a_listing_shows_what_changed_and_asks_again(
    client: Client, bob: User, armchair: Listing, changed: dict[str, Any]
) -> None:
    client.force_login(bob)
    action = f"/listings/{armchair.pk}/buy/"
    seen = form_of(client.get(f"/listings/{armchair.pk}/"), action)
    change(armchair, **changed)
    refused = client.post(action, seen)
    assert refused.status_code in (409, 412)
    page = text(refused, refused.status_code)
    assert "The seller has changed" in page
    if "price_cents" in changed:
        assert "it was €249.00 when you looked, and is €9,250.00 now" in page
        assert "Buy at €9,250.00" in page
    assert not Order.objects.exists()
    assert client.post(action, form_of(refused, action)).status_code == 302
    assert Order.objects.count() == 1


def test_the_cart_buys_at_the_prices_that_it_showed(client: Client, bob: User, armchair: Listing) -> None:
    client.force_login(bob)
    client.post(f"/listings/{armchair.pk}/cart/", {"quantity": 1})
    seen = form_of(client.get("/cart/"), "/cart/")
    change(armchair, price_cents=925_000)
    refused = client.post("/cart/", seen)
    page = text(refused, 409)
    assert "it was €249.00 when you looked, and is €9,250.00 now" in page
    assert "Buy all at these prices" in page
    assert not Order.objects.exists()
    assert client.post("/cart/", form_of(refused, "/cart/")).status_code == 302
    assert Order.objects.get().unit_price_cents == 925_000


def test_pages_sell_nothing_at_an_offer_that_they_have_not_shown(
    shopper: Client, put_on_sale: Callable[..., Listing]
) -> None:
    """A withdrawn line has no price and no part in the total; put on sale again it is another offer."""
    lamp, other = put_on_sale("Lamp", price_cents=1_000), put_on_sale("Other", price_cents=500)
    for listing in (lamp, other):
        shopper.post(f"/listings/{listing.pk}/cart/", {"quantity": 1})
    for unavailable in ({"status": "withdrawn"}, {"available": 0}):
        change(lamp, **unavailable)
        shown = shopper.get("/cart/")
        assert "€5.00" in text(shown)
        change(lamp, status="on_sale", available=1, price_cents=925_000)
        refused = shopper.post("/cart/", form_of(shown, "/cart/"))
        assert "Buy all at these prices" in text(refused, 409)
        assert "€9,255.00" in text(refused, 409)
        assert not Order.objects.exists()
    address(shopper.post("/cart/", form_of(refused, "/cart/")))
    assert sorted(Order.objects.values_list("unit_price_cents", flat=True)) == [500, 925_000]


def test_the_page_of_a_listing_sells_nothing_without_the_offer_that_it_showed(
    shopper: Client, armchair: Listing
) -> None:
    action = f"/listings/{armchair.pk}/buy/"
    refused = shopper.post(action)
    assert "€249.00" in text(refused, 412)
    assert not Order.objects.exists()
    address(shopper.post(action, form_of(refused, action)))


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"currency": "XXX"}, "in XXX"),
        ({"currency": "JPY"}, "in JPY"),
        ({"currency": "JPY", "price_cents": 100}, "¥100"),
        ({"price_cents": 100}, "€1.00"),
    ],
)
def test_the_refusal_names_the_offer_that_was_seen(
    api: APIClient, armchair: Listing, seen: dict[str, Any], words: str
) -> None:
    problem = read_problem(buy(api, armchair, seen), 409)
    assert f"it was {words} when you looked, and is €249.00 now" in problem["detail"]


@pytest.mark.parametrize(
    ("body", "seen"),
    [
        (b'{"quantity": 2, "price_cents": 100, "currency": "EUR"}', Offer(100, "EUR")),
        (b'{"price_cents": 100}', Offer(100)),
        (b'{"fee_version": "2026-11"}', Offer(fee_version="2026-11")),
        (b"{}", None),
    ],
)
def test_the_fast_path_reads_the_offer_too(body: bytes, seen: Any) -> None:
    read = fast_path.plain_body(body)
    assert read is not None
    assert read[1] == seen


@pytest.mark.parametrize("body", [b'{"price_cents": true}', b'{"price_cents": 1.5}', b'{"currency": "EURO"}'])
def test_the_fast_path_leaves_odd_offers_to_django(body: bytes) -> None:
    assert fast_path.plain_body(body) is None


def test_the_fast_path_leaves_if_match_to_django(put_on_sale: Callable[..., Listing]) -> None:
    path = fast_path.FastPath(get_wsgi_application())
    assert path is not None
    environ = {"PATH_INFO": "/api/listings/1/buy/", "REQUEST_METHOD": "POST", "HTTP_IF_MATCH": '"1"'}
    assert fast_path.read_plain_purchase(environ) is None


def test_suspending_ends_buying_and_selling_at_once(
    api: APIClient, client: Client, alice: User, bob: User, put_on_sale: Callable[..., Listing]
) -> None:
    """Whatever token is held: of the buyer, or of somebody who looks at the page."""
    lamp = put_on_sale("Reading lamp", quantity=5)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert read_problem(buy(api, lamp, {}), 404)["type"] == "urn:microstore:problem:listing-not-found"
    assert check_out(api, lamp, {}).status_code == 409
    assert api.get("/api/listings/").json()["results"] == []
    assert client.get(f"/listings/{lamp.pk}/").status_code == 404
    User.objects.filter(pk=alice.pk).update(is_active=True)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    for way in (buy, check_out):
        assert read_problem(way(api, lamp, {}), 401)["type"] == "urn:microstore:problem:account-gone"
    assert not Order.objects.exists()
