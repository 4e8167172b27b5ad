"""A seller raises a price while a buyer looks at it in a real browser: the page shows both and asks."""

from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect

from tests.support.market import Market, Person
from tests.support.pictures_of_pages import PICTURES
from tests.support.visitor import Visitor, visit

pytestmark = pytest.mark.timeout(600)  # the first one may have to install the browser

CHANGED = "The seller has changed the price: it was €10.00 when you looked, and is €9,250.00 now."


@pytest.fixture
def faster(market: Market) -> Person:
    """Buys one of them, too."""
    [person] = market.add_people(1)
    return person


@pytest.fixture
def watch(seller: Person) -> tuple[int, str]:
    """Its id and its title."""
    title = f"Watch with a story {uuid4().hex[:8]}"
    return seller.sell(title, price_cents=1_000, quantity=5), title


def raise_price(seller: Person, listing_id: int) -> None:
    path, headers = f"/api/listings/{listing_id}/", {"If-Match": "*"}
    changed = seller.request("PATCH", path, json={"price_cents": 925_000}, headers=headers)
    assert changed.status_code == 200


def keep_picture(visitor: Visitor, name: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    visitor.page.screenshot(path=PICTURES / f"{name}.png", full_page=True)


def expect_order(visitor: Visitor, title: str, *, heading: str = "My orders") -> None:
    expect(visitor.page.get_by_role("heading", name=heading)).to_be_visible()
    expect(visitor.page.get_by_role("listitem").filter(has_text=title)).to_contain_text("€9,250.00")


def test_the_page_of_a_listing_says_what_changed_and_asks(
    market: Market, chromium: Browser, seller: Person, watch: tuple[int, str]
) -> None:
    listing_id, title = watch
    with visit(chromium, market.listings_url) as buyer:
        buyer.sign_up(f"bob-{uuid4().hex[:8]}")
        buyer.find(title)
        raise_price(seller, listing_id)
        buyer.page.get_by_role("button", name="Buy").click()
        expect(buyer.page.get_by_role("alert")).to_have_text(CHANGED)
        keep_picture(buyer, "changed-price-listing")
        buyer.forgive(409)
        orders = buyer.page.context.new_page()
        orders.goto("/orders/")
        expect(orders.get_by_role("heading", name="No orders yet")).to_be_visible()
        buyer.page.get_by_role("button", name="Buy at €9,250.00").click()
        expect_order(buyer, title)


def test_the_cart_says_what_changed_and_asks_also_where_it_shows_the_new_price_by_itself(
    market: Market, chromium: Browser, seller: Person, faster: Person, watch: tuple[int, str]
) -> None:
    listing_id, title = watch
    with visit(chromium, market.listings_url) as buyer:
        buyer.sign_up(f"bob-{uuid4().hex[:8]}")
        buyer.find(title)
        buyer.page.get_by_role("button", name="Add to cart").click()
        expect(buyer.cart).to_have_accessible_name("Cart, 1 in it")
        buyer.cart.click()
        expect(buyer.page.get_by_role("heading", name="Cart")).to_be_visible()
        expect(buyer.page.locator("#live")).to_have_text("Live: updates automatically")
        raise_price(seller, listing_id)
        # A sale renews the lines of the page, also where their prices have changed.
        faster.buy(listing_id)
        expect(buyer.page.get_by_text("€9,250.00").first).to_be_visible()
        buyer.page.get_by_role("button", name="Buy all").click()
        line = buyer.page.get_by_role("listitem").filter(has_text=title)
        expect(line).to_contain_text(CHANGED)
        expect(buyer.page.get_by_role("alert")).to_contain_text("nothing was ordered")
        keep_picture(buyer, "changed-price-cart")
        buyer.forgive(409)
        buyer.page.get_by_role("button", name="Buy all at these prices").click()
        expect_order(buyer, title, heading="1 item bought")
