"""The shop in a real browser, by keyboard: what has the focus is seen, and it goes where the work goes on."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, ViewportSize, expect
from pytest_django.live_server_helper import LiveServer

from listings.catalogue.selling import add_image, draw_uploads
from listings.models import Listing, Notification, Order
from tests.listings.purchases import order_one
from tests.support.keyboard import unseen_focus
from tests.support.pictures import picture, upload
from tests.support.pictures_of_pages import chromium

# The first one may have to install the browser.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
    pytest.mark.usefixtures("media"),
]

expect.set_options(timeout=20_000)
WIDTHS = (1280, 800, 375)


@pytest.fixture
def open_page(
    live_server: LiveServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Page]]:
    """Opens a window in which somebody is logged in."""
    # The pages are served without TLS here.
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "listings_session", "listings_csrf"
    # Playwright's loop runs in this thread, and what others do meanwhile is stored by it.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with chromium() as browser:

        def open_as(user: User, *, width: int = 1280) -> Page:
            client = Client()
            client.force_login(user)
            size: ViewportSize = {"width": width, "height": 800}
            window = browser.new_context(base_url=live_server.url, viewport=size, reduced_motion="reduce")
            cookie = client.cookies["listings_session"].value
            window.add_cookies([{"name": "listings_session", "value": cookie, "url": live_server.url}])
            return window.new_page()

        yield open_as


@pytest.fixture
def alice_sells(put_on_sale: Callable[..., Listing], bob: User) -> Listing:
    """Some things, with orders; of the last one two pictures."""
    for number in range(6):
        order_one(put_on_sale(f"Lamp {number}", quantity=9), buyer_id=bob.pk)
    listing = put_on_sale(quantity=3)
    for drawn in draw_uploads([upload(picture()), upload(picture())]):
        add_image(listing, drawn)
    return listing


@pytest.mark.parametrize("width", WIDTHS)
def test_what_has_the_focus_is_seen(
    open_page: Callable[..., Page], alice: User, alice_sells: Listing, width: int
) -> None:
    paths = (
        "/",
        f"/listings/{alice_sells.pk}/",
        "/sell/",
        f"/listings/{alice_sells.pk}/edit/",
        "/sales/",
        "/sales/listings/",
        "/notifications/",
        *(f"/account/{page}" for page in ("", "security/", "payouts/", "data/", "webhooks/")),
    )
    page = open_page(alice, width=width)
    for path in paths:
        page.goto(path)
        for key in ("Tab", "Shift+Tab"):
            assert unseen_focus(page, key) == [], f"{path} by {key}"


def test_an_enlarged_picture_keeps_the_focus_until_escape(
    open_page: Callable[..., Page], bob: User, alice_sells: Listing
) -> None:
    page = open_page(bob)
    page.goto(f"/listings/{alice_sells.pk}/")
    opener = page.get_by_role("button", name="Enlarge Crunchy armchair, picture 2")
    opener.press("Enter")
    expect(page.get_by_role("dialog", name="Crunchy armchair, picture 2")).to_be_visible()
    expect(page.get_by_role("button", name="Close")).to_be_focused()
    assert unseen_focus(page, "Tab") == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(opener).to_be_focused()
    opener.press("Enter")
    page.get_by_role("button", name="Close").press("Enter")
    expect(opener).to_be_focused()


def test_who_works_in_a_list_goes_on_when_it_changes(
    open_page: Callable[..., Page], bob: User, alice_sells: Listing
) -> None:
    order, other = Order.objects.order_by("id")[:2]
    for each in (order, other):
        notify(bob, each)
    page = open_page(bob)
    page.goto("/notifications/")
    button = page.get_by_role("button", name=f"Mark as read: You bought {order.pk}")
    button.focus()
    notify(bob, Order.objects.latest("id"))
    expect(page.locator(".told li")).to_have_count(3)
    expect(button).to_be_focused()
    Notification.objects.filter(order=order).update(read_at=timezone.now())
    expect(button).to_have_count(0)
    expect(page.locator(".told li").filter(has_text=str(order.pk))).to_be_focused()


def test_a_quantity_that_is_being_typed_is_kept_when_the_cart_changes(
    open_page: Callable[..., Page], bob: User, alice_sells: Listing
) -> None:
    page = open_page(bob)
    page.goto(f"/listings/{alice_sells.pk}/")
    page.get_by_role("button", name="Add to cart").press("Enter")
    expect(page.locator("#said")).to_contain_text("In the cart")
    page.keyboard.press("Escape")
    expect(page.locator("#said")).to_be_empty(timeout=2_000)  # by itself it goes after six seconds
    page.goto("/cart/")
    quantity = page.get_by_label("Quantity", exact=True)
    quantity.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("3")
    Listing.objects.filter(pk=alice_sells.pk).update(price_cents=9_900)
    expect(page.locator("#lines")).to_contain_text("€99.00")
    expect(quantity).to_have_value("3")
    expect(quantity).to_be_focused()


@pytest.mark.parametrize(
    ("path", "fields", "button", "focused"),
    [
        ("/account/log-in/", {"Name": "bob", "Password": "wrong"}, "Log in", ".wrong"),
        (
            "/account/sign-up/",
            {"Name": "carol", "E-mail": "carol@x", "Password": "wrong"},
            "Sign up",
            "[type=email]",
        ),
        ("/sell/", {"What is it?": "Lamp", "Price per item": "cheap"}, "Put on sale", "[name=price]"),
        ("/account/security/", {"Current": "a", "New": "b"}, "Change the password", "[name=current]"),
        (
            "/account/",
            {"E-mail address": "b@shop.example", "Your password": "wrong"},
            "Change the address",
            "[name=password]",
        ),
        ("/account/data/", {"Your password": "wrong"}, "Delete my account", "[name=password]"),
        ("/?search=lamp", {"Maximum price": "cheap"}, "Apply", "[name=max_price]"),
    ],
)
def test_after_an_error_the_focus_is_where_it_is_corrected(
    open_page: Callable[..., Page], bob: User, path: str, fields: dict[str, str], button: str, focused: str
) -> None:
    bob.email = "bob@shop.example"
    bob.save()
    page = open_page(bob)
    page.goto(path)
    for label, value in fields.items():
        page.get_by_role("main").get_by_label(label).fill(value)
    page.get_by_role("main").get_by_role("button", name=button).press("Enter")
    expect(page.locator("main .wrong").first).to_be_visible()
    expect(page.locator(f"main {focused}")).to_be_focused()


def notify(user: User, order: Order) -> None:
    Notification.objects.create(
        recipient=user,
        event_id=order.pk,
        kind="order_completed",
        role="buyer",
        order=order,
        text=f"You bought {order.pk}.",
    )
