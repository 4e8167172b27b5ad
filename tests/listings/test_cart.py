"""A cart is filled by anybody, and bought as a whole or not at all."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from listings.buying.serializers import MAX_ITEMS
from listings.models import Listing, Order
from listings.pages.carts import Cart
from tests.support.pages import address, form_of, text

pytestmark = pytest.mark.django_db

QUERIES_OF_A_CART = 4 + 2  # of each page; listings and images


def put(client: Client, listing: Listing, quantity: Any = 1) -> Any:
    return client.post(f"/listings/{listing.pk}/cart/", {"quantity": quantity})


def change(client: Client, listing: Listing, quantity: Any) -> str:
    return address(client.post(f"/cart/{listing.pk}/", {"quantity": quantity}))


def items(client: Client) -> dict[int, int]:
    cookie = client.cookies.get("cart")
    return dict(Cart.read(cookie.value).items) if cookie else {}


def form(client: Client) -> dict[str, str]:
    """What the page's form sends."""
    return form_of(client.get("/cart/"), "/cart/")


@pytest.fixture
def lamp(put_on_sale: Callable[..., Listing]) -> Listing:
    """There are five."""
    return put_on_sale("Reading lamp", quantity=5, price_cents=5_900)


@pytest.fixture
def kettle(put_on_sale: Callable[..., Listing]) -> Listing:
    """Sold in another currency."""
    return put_on_sale("Whistling kettle", quantity=2, price_cents=3_000, currency="JPY")


def test_a_stranger_fills_a_cart_and_keeps_it_through_the_log_in(
    client: Client, bob: User, armchair: Listing, lamp: Listing
) -> None:
    assert address(put(client, armchair)) == f"/cart/#line-{armchair.pk}"
    put(client, lamp, 2)
    page = text(client.get("/cart/"))
    assert "Log in to buy" in page
    assert address(client.post("/cart/", form(client))) == "/account/log-in/?next=/cart/"
    client.force_login(bob)
    assert "Buy all" in text(client.get("/cart/"))
    assert items(client) == {armchair.pk: 1, lamp.pk: 2}
    client.post("/account/log-out/")
    assert items(client) == {}, "The next one at this machine begins with nothing."


def test_quantities_and_what_it_costs_in_each_currency(
    shopper: Client, armchair: Listing, lamp: Listing, kettle: Listing
) -> None:
    for listing, quantity in ((armchair, 1), (lamp, 2), (kettle, 1)):
        put(shopper, listing, quantity)
    page = text(shopper.get("/cart/"))
    assert "€367.00" in page
    assert "¥3,000" in page
    assert change(shopper, lamp, 3) == "/cart/#lines"
    assert "€426.00" in text(shopper.get("/cart/"))
    change(shopper, armchair, 0)
    assert "€177.00" in text(shopper.get("/cart/"))
    assert "Cart, 4 in it" in text(shopper.get("/"))
    assert items(shopper) == {lamp.pk: 3, kettle.pk: 1}


def test_the_same_again_is_one_more_but_never_more_than_there_are(shopper: Client, lamp: Listing) -> None:
    for _ in range(2):
        put(shopper, lamp, 2)
    assert items(shopper) == {lamp.pk: 4}
    put(shopper, lamp, 2)
    assert items(shopper) == {lamp.pk: 5}


@pytest.mark.parametrize("quantity", ["-1", "many", "1.5", "٣", "", "\0", "9999999"])
def test_a_quantity_that_makes_no_sense_changes_nothing(
    shopper: Client, lamp: Listing, quantity: str
) -> None:
    text(put(shopper, lamp, quantity), 400)
    assert items(shopper) == {}
    put(shopper, lamp, 3)
    text(shopper.post(f"/cart/{lamp.pk}/", {"quantity": quantity}), 400)
    assert items(shopper) == {lamp.pk: 3}


def test_what_is_not_for_sale_to_them_is_not_put_in(
    shopper: Client, seller: Client, put_on_sale: Callable[..., Listing]
) -> None:
    assert "sold out" in text(put(shopper, put_on_sale(available=0)), 409)
    text(put(shopper, put_on_sale(status="draft")), 404)
    text(put(shopper, Listing(pk=987_654_321)), 404)
    assert "your own" in text(put(seller, put_on_sale()), 403)
    assert (items(shopper), items(seller)) == ({}, {})


def test_the_whole_cart_is_one_checkout(shopper: Client, bob: User, armchair: Listing, lamp: Listing) -> None:
    put(shopper, armchair)
    put(shopper, lamp, 2)
    orders = address(shopper.post("/cart/", form(shopper)))
    first, second = Order.objects.order_by("id")
    assert orders == f"/checkouts/{first.checkout_id}/"
    assert (first.listing, first.quantity, first.buyer) == (armchair, 1, bob)
    assert (second.listing, second.quantity, second.checkout_id) == (lamp, 2, first.checkout_id)
    assert all(thing.title in text(shopper.get(orders)) for thing in (armchair, lamp))
    assert items(shopper) == {}


@pytest.mark.parametrize("button", [{}, {"update": ""}])
def test_a_quantity_that_was_changed_is_shown_with_its_total_before_it_is_bought(
    shopper: Client, armchair: Listing, lamp: Listing, button: dict[str, str]
) -> None:
    put(shopper, armchair)
    put(shopper, lamp)
    changed = {f"quantity-{lamp.pk}": "3"}
    assert address(shopper.post("/cart/", form(shopper) | changed | button)) == "/cart/?changed=1"
    assert items(shopper) == {armchair.pk: 1, lamp.pk: 3}
    assert "check the new total" in text(shopper.get("/cart/?changed=1"))
    assert not Order.objects.exists()
    text(shopper.post("/cart/", form(shopper) | {f"quantity-{lamp.pk}": "many"}), 400)
    shopper.post("/cart/", form(shopper) | changed)
    assert Order.objects.get(listing=lamp).quantity == 3


def test_two_clicks_are_one_checkout(shopper: Client, lamp: Listing) -> None:
    put(shopper, lamp)
    sent = form(shopper)
    assert address(shopper.post("/cart/", sent)) == address(shopper.post("/cart/", sent))
    assert Order.objects.count() == 1


def test_two_clicks_are_one_checkout_though_the_price_has_changed_between_them(
    shopper: Client, lamp: Listing
) -> None:
    put(shopper, lamp)
    sent = form(shopper)
    pages = []
    for price_cents in (5_900, 6_900):
        Listing.objects.update(price_cents=price_cents)
        pages.append(address(shopper.post("/cart/", sent | {f"seen-{lamp.pk}": f"{price_cents}-EUR-1"})))
    assert pages[0] == pages[1] == f"/checkouts/{Order.objects.get().checkout_id}/"


def test_the_same_things_are_bought_again_by_another_cart(shopper: Client, lamp: Listing) -> None:
    for _ in range(2):
        put(shopper, lamp)
        shopper.post("/cart/", form(shopper))
    assert Order.objects.count() == 2


def test_what_was_put_in_elsewhere_meanwhile_stays_in_the_cart(
    shopper: Client, armchair: Listing, lamp: Listing
) -> None:
    put(shopper, armchair)
    shown = form(shopper)
    put(shopper, lamp)
    shopper.post("/cart/", shown)
    assert Order.objects.get().listing == armchair
    assert items(shopper) == {lamp.pk: 1}


def test_more_of_the_same_from_another_tab_stays_in_the_cart_also_after_a_second_click(
    shopper: Client, lamp: Listing
) -> None:
    put(shopper, lamp)
    shown = form(shopper)
    put(shopper, lamp, 2)
    for _ in range(2):
        shopper.post("/cart/", shown)
        assert items(shopper) == {lamp.pk: 2}
    assert Order.objects.get().quantity == 1


def test_when_the_last_one_went_meanwhile_nothing_is_bought_and_the_page_says_what(
    shopper: Client, armchair: Listing, lamp: Listing
) -> None:
    put(shopper, armchair)
    put(shopper, lamp, 3)
    Listing.objects.filter(pk=lamp.pk).update(available=2)
    page = text(shopper.post("/cart/", form(shopper)), 409)
    assert "1 of 2 items cannot be had; nothing was ordered." in page
    assert "Only 2 left." in page
    assert not Order.objects.exists()
    change(shopper, lamp, 2)
    address(shopper.post("/cart/", form(shopper)))
    assert Order.objects.count() == 2


def test_what_was_withdrawn_is_named_to_nobody(shopper: Client, armchair: Listing, lamp: Listing) -> None:
    put(shopper, armchair)
    put(shopper, lamp)
    Listing.objects.filter(pk=armchair.pk).update(status="draft", title="A secret")
    page = text(shopper.get("/cart/"))
    assert "Not on sale any more" in page
    assert "A secret" not in page
    assert "€59.00" in page
    change(shopper, armchair, 0)
    assert items(shopper) == {lamp.pk: 1}


def test_a_cart_holds_no_more_than_a_checkout(shopper: Client, lamp: Listing) -> None:
    full = Cart({10_000 + number: 1 for number in range(MAX_ITEMS)})
    shopper.cookies["cart"] = str(full)
    assert "A cart holds up to 50" in text(put(shopper, lamp), 409)
    assert len(items(shopper)) == MAX_ITEMS


@pytest.mark.parametrize(
    "cookie", ["", "made up", "0" * 32, f"{'0' * 32}.0x1", f"{'0' * 32}.1x0", "0" * 32 + ".1x1" * 51]
)
def test_a_cookie_that_is_none_of_ours_is_an_empty_cart(shopper: Client, cookie: str) -> None:
    shopper.cookies["cart"] = cookie
    assert "Your cart is empty" in text(shopper.get("/cart/"))
    assert address(shopper.post("/cart/", {"cart": cookie})) == "/cart/"


def test_scripts_do_not_read_the_cookie_and_other_sites_do_not_send_it(
    shopper: Client, lamp: Listing
) -> None:
    cookie = put(shopper, lamp).cookies["cart"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


def test_a_form_from_elsewhere_does_nothing(bob: User, lamp: Listing) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    client.cookies["cart"] = str(Cart({lamp.pk: 1}))
    for path in (f"/listings/{lamp.pk}/cart/", f"/cart/{lamp.pk}/", "/cart/"):
        assert client.post(path, {"cart": client.cookies["cart"].value}).status_code == 403
    assert not Order.objects.exists()


@pytest.mark.parametrize("things", [1, 12])
def test_a_cart_costs_the_same_however_much_is_in_it(
    shopper: Client,
    put_on_sale: Callable[..., Listing],
    django_assert_num_queries: DjangoAssertNumQueries,
    things: int,
) -> None:
    for _ in range(things):
        put(shopper, put_on_sale())
    with django_assert_num_queries(QUERIES_OF_A_CART):
        shopper.get("/cart/")
