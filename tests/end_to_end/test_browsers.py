"""The shop in real browsers: one buys, the other sees it sold."""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, expect

from stack.waiting import wait_until
from tests.support.accessibility import faults, findings
from tests.support.market import Market, Person
from tests.support.pictures import picture
from tests.support.shop_pages import PAGES
from tests.support.visitor import Visitor, visit

pytestmark = pytest.mark.timeout(600)  # the first one may have to install the browser

LOOKS = {
    "desk": {"viewport": {"width": 1280, "height": 900}},
    "phone, German": {"viewport": {"width": 375, "height": 812}},
}
# Empties what a form has to have, and sends it: the page that refuses it is seen after a POST alone.
SEND_EMPTY = """form => {
    for (const field of form.querySelectorAll("[required]")) field.type === "radio" || (field.value = "");
    form.noValidate = true;
    form.requestSubmit();
}"""
# Two of the seeded listings, and a thousand of one that nobody can see any more.
CART = f"{'0' * 32}.1x2.4x1.999999x999"


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """What a seller uploads."""
    file = tmp_path / "armchair.jpg"
    file.write_bytes(picture("JPEG"))
    return file


@contextmanager
def held(market: Market, process: str) -> Iterator[None]:
    """Nothing goes on here meanwhile."""
    market.stack.signal(process, signal.SIGSTOP)
    try:
        yield
    finally:
        market.stack.signal(process, signal.SIGCONT)


def new_name(what: str) -> str:
    return f"{what}-{uuid4().hex[:8]}"


def test_a_sale_that_the_feed_sends_again_is_older_than_the_page(market: Market, chromium: Browser) -> None:
    seller, buyer = market.add_people(2)
    stool, sofa = seller.sell(new_name("Stool"), quantity=5), seller.sell(new_name("Sofa"))
    for listing in (stool, sofa):  # the latest sale itself is not sent again
        market.wait_settled([buyer.buy(listing).json()["id"]])
    headers = {"If-Match": "*"}
    assert seller.request("PATCH", f"/api/listings/{stool}/", json={"quantity": 10}, headers=headers).ok
    frames: list[str | bytes] = []
    with visit(chromium, market.listings_url) as anybody:
        page = anybody.page
        # Playwright marks the function that it is given, and cannot mark one of C.
        page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(frame)))  # noqa: PLW0108
        page.goto(f"/listings/{stool}/")

        def is_sent_again() -> bool:
            page.evaluate("1")  # lets Playwright receive
            return any(f'"listing_id":{stool},' in str(frame) for frame in frames)

        assert wait_until(is_sent_again, timeout_seconds=20)
        expect(page.locator(".just-changed")).to_have_count(0)
        expect(page.locator(".stock")).to_have_text("9 left")


def test_one_buys_and_the_other_sees_it_sold(market: Market, chromium: Browser, photograph: Path) -> None:
    armchair = new_name("Crunchy armchair")
    with visit(chromium, market.listings_url) as seller, visit(chromium, market.listings_url) as buyer:
        seller.sign_up(new_name("alice"))
        seller.sell(armchair, photograph)
        seller.page.goto("/")
        expect(seller.page.locator("#live")).to_have_text("Live: updates automatically")
        card = seller.page.get_by_role("listitem").filter(has_text=armchair)
        expect(card).to_contain_text("Last one")
        expect(card.locator("img")).not_to_have_js_property("naturalWidth", 0)
        seller.mark()

        buyer.sign_up(new_name("bob"))
        buyer.find(armchair)
        clicked_at = time.monotonic()
        buyer.page.get_by_role("button", name="Buy").click(no_wait_after=True)
        expect(card).to_contain_text("Sold")
        print(f"\nSold in the other browser {time.monotonic() - clicked_at:.2f} s after the click on Buy.")
        expect(seller.page.get_by_role("status")).to_contain_text(f"Sold: {armchair}")
        assert seller.has_not_reloaded()
        expect(buyer.page.get_by_role("listitem").filter(has_text=armchair)).to_contain_text("Completed")


def test_an_order_completes_while_buyer_and_seller_look(
    market: Market, chromium: Browser, photograph: Path
) -> None:
    lamp = new_name("Reading lamp")
    with visit(chromium, market.listings_url) as seller, visit(chromium, market.listings_url) as buyer:
        seller.sign_up(new_name("alice"))
        seller.sell(lamp, photograph)
        seller.page.goto("/sales/")
        buyer.sign_up(new_name("bob"))
        with held(market, "listings-relay"):
            buyer.buy(lamp)
            order = buyer.page.get_by_role("listitem").filter(has_text=lamp)
            expect(order).to_contain_text("Pending")
            buyer.mark()
            seller.mark()
        expect(order).to_contain_text("Completed")
        expect(order).to_contain_text("including a fee of")
        sale = seller.page.locator("#orders").get_by_role("listitem").filter(has_text=lamp)
        expect(sale).to_contain_text("Completed")
        assert buyer.has_not_reloaded()
        for visitor, text in ((buyer, f"You bought 1 × {lamp}"), (seller, f"You sold 1 × {lamp}.")):
            expect(visitor.bell).to_have_accessible_name("Notifications, 1 unread")
            assert visitor.has_not_reloaded()
            visitor.bell.click()
            expect(visitor.page.get_by_role("main")).to_contain_text(text)
            visitor.page.get_by_role("button", name="Mark as read: You").click()
            expect(visitor.bell).to_have_accessible_name("Notifications, none unread")
        find_it_in_the_balance(seller)
        refund_a_part(seller, buyer, order)


def find_it_in_the_balance(seller: Visitor) -> None:
    seller.page.goto("/sales/balance/")
    expect(seller.page.get_by_role("main")).to_contain_text("€249.50 available")
    expect(seller.page.get_by_role("main")).to_contain_text("Income is available at once.")
    movement = seller.page.get_by_role("listitem").filter(has_text="balance €249.50")
    movement.get_by_role("link", name="Sale").click()
    expect(seller.page.get_by_role("heading", name="Sale", exact=True)).to_be_visible()


def refund_a_part(seller: Visitor, buyer: Visitor, order: Locator) -> None:
    buyer.page.goto("/orders/")
    expect(buyer.page.locator("#live")).to_have_text("Live: updates automatically")
    buyer.mark()
    seller.page.get_by_role("link", name="Refund").click()
    assert findings(seller.page) == []
    seller.page.get_by_label("Amount").fill("49.50")
    seller.page.get_by_label("Reason").fill("The shade is torn")
    seller.page.get_by_role("button", name="Refund").click()
    expect(order).to_contain_text("Partly refunded")
    expect(order).to_contain_text("€49.50")
    assert buyer.has_not_reloaded()
    expect(seller.page.locator("#refunds")).to_contain_text("€49.50 · Refunded")


def test_who_reads_notifications_sees_the_next_one_come(
    market: Market, chromium: Browser, photograph: Path
) -> None:
    stool = new_name("Milking stool")
    with visit(chromium, market.listings_url) as seller, visit(chromium, market.listings_url) as buyer:
        seller.sign_up(new_name("alice"))
        seller.sell(stool, photograph)
        seller.page.goto("/notifications/")
        expect(seller.page.get_by_role("heading", name="No notifications yet")).to_be_visible()
        expect(seller.page.locator("#live")).to_have_text("Live: updates automatically")
        seller.mark()
        buyer.sign_up(new_name("bob"))
        buyer.buy(stool)
        expect(seller.page.get_by_role("listitem").filter(has_text=f"You sold 1 × {stool}.")).to_be_visible()
        expect(seller.bell).to_have_text("1")
        assert seller.has_not_reloaded()


def test_an_order_is_cancelled_and_the_others_see_it_for_sale_again(
    market: Market, chromium: Browser, photograph: Path
) -> None:
    clock = new_name("Station clock")
    with visit(chromium, market.listings_url) as seller, visit(chromium, market.listings_url) as buyer:
        seller.sign_up(new_name("alice"))
        seller.sell(clock, photograph)
        buyer.sign_up(new_name("bob"))
        with held(market, "transactions-worker"):
            buyer.buy(clock)
            seller.page.goto("/sales/")
            expect(seller.page.locator("#live")).to_have_text("Live: updates automatically")
            sale = seller.page.locator("#orders").get_by_role("listitem").filter(has_text=clock)
            offer = seller.page.locator("[data-listing]").filter(has_text=clock)
            expect(sale).to_contain_text("Pending")
            expect(offer).to_contain_text("Sold")
            seller.mark()
            buyer.page.get_by_role("link", name=f"Cancel {clock}").press("Enter")
            assert findings(buyer.page) == []
            buyer.page.get_by_role("button", name="Cancel the order").press("Enter")
            expect(buyer.page.get_by_role("listitem").filter(has_text=clock)).to_contain_text("Cancelled")
            expect(sale).to_contain_text("Cancelled")
            expect(offer).to_contain_text("Last one")
        for visitor, text in ((buyer, "You cancelled your order"), (seller, "It is on sale again.")):
            expect(visitor.bell).to_have_text("1")
            visitor.bell.click()
            expect(visitor.page.get_by_role("main")).to_contain_text(text)


def test_a_question_that_has_answered_itself_is_taken_back(
    market: Market, chromium: Browser, photograph: Path
) -> None:
    kettle = new_name("Whistling kettle")
    with visit(chromium, market.listings_url) as seller, visit(chromium, market.listings_url) as buyer:
        seller.sign_up(new_name("alice"))
        seller.sell(kettle, photograph)
        buyer.sign_up(new_name("bob"))
        with held(market, "transactions-worker"):
            buyer.buy(kettle)
            buyer.page.get_by_role("link", name=f"Cancel {kettle}").click()
            buyer.mark()
        expect(buyer.page.get_by_role("main")).to_contain_text("cannot be cancelled any more")
        expect(buyer.page.get_by_role("button", name="Cancel the order")).to_be_hidden()
        assert buyer.has_not_reloaded()


def test_two_things_are_bought_by_one_checkout(market: Market, chromium: Browser, photograph: Path) -> None:
    teapot, saucer = new_name("Teapot"), new_name("Saucer")
    with visit(chromium, market.listings_url) as seller, visit(chromium, market.listings_url) as buyer:
        seller.sign_up(new_name("alice"))
        seller.sell(teapot, photograph, price="30")
        seller.sell(saucer, photograph, price="12.50")
        buyer.page.goto("/")
        buyer.mark()
        for count, thing in enumerate((teapot, saucer), start=1):
            buyer.page.get_by_role("button", name=f"Add to cart: {thing}").press("Enter")
            expect(buyer.cart).to_have_accessible_name(f"Cart, {count} in it")
        expect(buyer.page.get_by_role("status")).to_contain_text(f"In the cart: {saucer}")
        assert buyer.has_not_reloaded()
        buyer.sign_up(new_name("bob"))
        buyer.cart.click()
        expect(buyer.page.get_by_text("€46.40")).to_be_visible()
        assert findings(buyer.page) == []
        buyer.page.get_by_role("button", name="Buy all").dblclick()
        for thing in (teapot, saucer):
            order = buyer.page.get_by_role("listitem").filter(has_text=thing)
            expect(order).to_have_count(1)
            expect(order).to_contain_text("Completed")
        main = buyer.page.get_by_role("main")
        expect(main).to_contain_text("2 of 2 completed")
        expect(main).to_contain_text("€46.40")
        assert findings(buyer.page) == []
        expect(buyer.bell).to_have_text("1")
        buyer.bell.click()
        buyer.page.get_by_role("link", name="You bought").click()
        expect(buyer.page.get_by_role("heading", level=1)).to_have_text("2 items bought together")
        buyer.page.get_by_role("link", name="All my orders").click()
        buyer.page.get_by_role("link", name="2 items bought together").click()
        expect(main).to_contain_text("2 of 2 completed")


def test_a_cart_whose_last_thing_has_gone_is_refused_and_says_so(
    market: Market, chromium: Browser, photograph: Path
) -> None:
    spoon = new_name("Spoon")
    with visit(chromium, market.listings_url) as faster, visit(chromium, market.listings_url) as buyer:
        faster.sign_up(new_name("alice"))
        faster.sell(spoon, photograph)
        buyer.sign_up(new_name("bob"))
        buyer.find(spoon)
        buyer.page.get_by_role("button", name="Add to cart").click()
        expect(buyer.cart).to_have_accessible_name("Cart, 1 in it")
        buyer.cart.click()
        expect(buyer.page.locator("#live")).to_have_text("Live: updates automatically")
        buyer.mark()
        faster.page.get_by_role("button", name="Log out").click()
        faster.sign_up(new_name("carol"))
        faster.buy(spoon)
        expect(buyer.page.get_by_role("main")).to_contain_text("It is sold out.", timeout=30_000)
        assert buyer.has_not_reloaded()
        buyer.page.get_by_role("button", name="Buy all").click()
        expect(buyer.page.get_by_role("alert")).to_contain_text("nothing was ordered")
        buyer.forgive(409)
        buyer.page.get_by_role("button", name=f"Remove {spoon}").click()
        expect(buyer.page.get_by_role("heading", name="Your cart is empty")).to_be_visible()


def test_without_websockets_the_pages_ask(market: Market, chromium: Browser, photograph: Path) -> None:
    radio = new_name("Radio with one station")
    with visit(chromium, market.listings_url) as seller, visit(chromium, market.listings_url) as buyer:
        for visitor in (seller, buyer):
            visitor.page.route_web_socket("**/*", lambda socket: socket.close())
        seller.sign_up(new_name("alice"))
        seller.sell(radio, photograph)
        expect(seller.page.locator("#live")).to_have_text("Changes show within seconds")
        seller.mark()
        buyer.sign_up(new_name("bob"))
        with held(market, "listings-relay"):
            buyer.buy(radio)
            order = buyer.page.get_by_role("listitem").filter(has_text=radio)
            expect(order).to_contain_text("Pending")
            buyer.mark()
        expect(order).to_contain_text("Completed")
        expect(seller.page.get_by_role("article")).to_contain_text("Sold")
        for visitor in (seller, buyer):
            expect(visitor.bell).to_have_accessible_name("Notifications, 1 unread")
        assert seller.has_not_reloaded()
        assert buyer.has_not_reloaded()


def test_buying_needs_no_script(market: Market, chromium: Browser, photograph: Path) -> None:
    atlas = new_name("Atlas")
    with visit(chromium, market.listings_url, java_script_enabled=False) as visitor:
        visitor.sign_up(new_name("alice"))
        visitor.sell(atlas, photograph)
        visitor.page.get_by_role("button", name="Log out").click()
        visitor.sign_up(new_name("bob"))
        visitor.buy(atlas)
        expect(visitor.page.get_by_role("listitem").filter(has_text=atlas)).to_be_visible()
        visitor.bell.click()
        visitor.page.get_by_label("Also send me an e-mail").uncheck()
        visitor.page.get_by_role("button", name="Save").click()
        expect(visitor.page.get_by_label("Also send me an e-mail")).not_to_be_checked()


def test_a_page_speaks_german_to_germans_and_english_to_who_wants_it(
    market: Market, chromium: Browser
) -> None:
    with visit(chromium, market.listings_url, locale="de-DE") as visitor:
        visitor.page.goto("/")
        expect(visitor.page.locator("html")).to_have_attribute("lang", "de")
        expect(visitor.page.locator("#live")).to_have_text("Live: aktualisiert sich von selbst")
        # The newest is in another currency, if a test before has sold so.
        in_euro = visitor.page.locator(".price").filter(has_text=re.compile(r"\d,\d\d\s€"))
        expect(in_euro.first).to_be_visible()
        visitor.page.get_by_role("button", name="In den Warenkorb:").first.click()
        expect(visitor.page.get_by_role("status")).to_contain_text("Im Warenkorb:")
        visitor.page.get_by_role("button", name="English").click()
        expect(visitor.page.locator("html")).to_have_attribute("lang", "en")
        expect(visitor.cart).to_have_accessible_name("Cart, 1 in it")


def make_things(market: Market) -> dict[str, str]:
    """Return the ids of what pages are about: a checkout of Bob, a sale of Alice, and her endpoint."""
    rows = market.listings("SELECT username, id FROM auth_user WHERE username IN ('alice', 'bob')")
    alice, bob = (Person(market.listings_url, pk, market.token_for(pk)) for _, pk in sorted(rows))
    body = {"url": "https://shop.example/hook", "events": ["order.completed"]}
    endpoint = alice.request("POST", "/api/webhooks/", json=body).json()["id"]
    checkout = bob.check_out(*(alice.sell(new_name("Armchair")) for _ in range(2))).json()
    order, *others = (each["id"] for each in checkout["orders"])
    market.wait_settled([order, *others])
    refund = {"amount_cents": 1_000, "reason": "A leg is loose"}
    assert alice.request("POST", f"/api/orders/{order}/refunds/", json=refund).ok
    return {"order": order, "checkout": checkout["id"], "endpoint": endpoint}


def faults_of_refusal(visitor: Visitor) -> list[str]:
    """What is wrong with the page that refuses this one's first form with required fields, if any."""
    form = visitor.page.locator("main form[method=post]:has([required])").first
    if not form.count():
        return []
    with visitor.page.expect_navigation():
        form.evaluate(SEND_EMPTY)
    expect(visitor.page.locator("main .wrong").first).to_be_visible()
    return [f"refused: {each}" for each in faults(visitor.page)]


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_fit_for_everybody(market: Market, chromium: Browser, look: str) -> None:
    """It fits its window, the browser complains of nothing, and axe finds nothing serious, light or dark."""
    things, found = make_things(market), []
    began = time.monotonic()
    for name, paths in PAGES.items():
        with visit(chromium, market.listings_url, **LOOKS[look]) as visitor:
            cookies = {"cart": CART} if name else {}
            if name:
                visitor.log_in(name, "microstore")
            if "German" in look:
                cookies["django_language"] = "de"
            visitor.page.context.add_cookies(
                [{"name": key, "value": value, "url": market.listings_url} for key, value in cookies.items()]
            )
            for path in paths:
                response = visitor.page.goto(path.format(**things))
                assert response
                assert "default-src 'self'" in response.headers["content-security-policy"]
                found += [f"{path}: {each}" for each in faults(visitor.page) + faults_of_refusal(visitor)]
            for status in (400, 401, 403, 404, 410):
                visitor.forgive(status)
    assert found == []
    print(f"\nEvery page was looked at in {time.monotonic() - began:.0f} s ({look}).")
