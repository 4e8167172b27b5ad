"""What a purchase costs in all is on the page before the click, and is what is charged."""

from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect

from tests.support.market import Market, Person
from tests.support.visitor import visit

pytestmark = pytest.mark.timeout(600)  # the first one may have to install the browser

OF_THREE = "With a fee of €4.00: €79.00 in all"


def test_the_total_follows_the_quantity_and_is_what_the_buyer_pays(
    market: Market, chromium: Browser, seller: Person
) -> None:
    title = f"Lamp with a fee {uuid4().hex[:8]}"
    listing_id = seller.sell(title, price_cents=2_500, quantity=5, category="toys")
    quote = seller.request("GET", f"/api/listings/{listing_id}/quote/?quantity=3").json()
    assert (quote["fee_cents"], quote["total_cents"]) == (400, 7_900)
    with visit(chromium, market.listings_url) as buyer:
        buyer.sign_up(f"bob-{uuid4().hex[:8]}")
        buyer.find(title)
        expect(buyer.page.locator("#total")).to_have_text("With a fee of €1.50: €26.50 in all")
        buyer.page.get_by_label("How many").fill("3")
        expect(buyer.page.locator("#total")).to_have_text(OF_THREE)
        seen = buyer.page.locator("form.buy input[name=seen]")
        assert seen.input_value().endswith(f"-{quote['fee_version']}")
        buyer.page.get_by_role("button", name="Buy").click()
        order = buyer.page.get_by_role("listitem").filter(has_text=title)
        expect(order).to_contain_text("With a fee of €4.00: €79.00")
