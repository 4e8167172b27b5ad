"""Accounts in real browsers: the links of e-mails, sessions that end, a seller who is suspended."""

from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, expect

from tests.support.accessibility import findings
from tests.support.mail_folder import wait_for_link
from tests.support.market import Market
from tests.support.pictures import picture
from tests.support.visitor import PASSWORD, Visitor, visit

pytestmark = pytest.mark.timeout(600)  # the first one may have to install the browser

BETTER = "another lighthouse in fog"


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """What a seller uploads."""
    file = tmp_path / "armchair.jpg"
    file.write_bytes(picture("JPEG"))
    return file


def verify_address(visitor: Visitor, market: Market, address: str) -> None:
    visitor.page.get_by_role("link", name="Account").click()
    expect(visitor.page.get_by_role("main")).to_contain_text("is not confirmed yet")
    visitor.page.goto(wait_for_link(market, address, "Confirm your e-mail address"))
    assert findings(visitor.page) == []
    visitor.page.get_by_role("button", name="Confirm").click()
    expect(visitor.page.get_by_role("heading", name="Your address is confirmed")).to_be_visible()
    visitor.page.goto("/account/")
    expect(visitor.page.get_by_role("main")).to_contain_text(f"{address} is confirmed")


def request_link(visitor: Visitor, market: Market, address: str) -> str:
    visitor.page.get_by_role("button", name="Log out").click()
    visitor.page.goto("/account/log-in/")
    visitor.page.get_by_role("link", name="Forgot your password?").click()
    visitor.page.get_by_label("E-mail").fill(address)
    visitor.page.get_by_role("button", name="Send me a link").click()
    expect(visitor.page.get_by_role("main")).to_contain_text("a link is on its way")
    return wait_for_link(market, address, "Choose a new password")


def set_password(visitor: Visitor, link: str, password: str, *, shown: str) -> None:
    visitor.page.goto(link)
    visitor.page.get_by_label("New password").fill(password)
    visitor.page.get_by_role("button", name="Set the password").click()
    expect(visitor.page.get_by_role("main")).to_contain_text(shown)


def fail_to_log_in(visitor: Visitor, name: str) -> None:
    visitor.page.get_by_label("Name").fill(name)
    visitor.page.get_by_label("Password", exact=True).fill(PASSWORD)
    visitor.page.get_by_role("button", name="Log in").click()
    expect(visitor.page.get_by_role("alert")).to_be_visible()
    visitor.forgive(401)


def test_from_signing_up_to_a_new_password(market: Market, chromium: Browser, tmp_path: Path) -> None:
    name = f"carol-{uuid4().hex[:8]}"
    address = f"{name}@shop.example"
    with visit(chromium, market.listings_url) as carol, visit(chromium, market.listings_url) as laptop:
        carol.sign_up(name)
        verify_address(carol, market, address)
        laptop.log_in(name, PASSWORD)
        carol.page.goto("/account/security/")
        expect(carol.page.get_by_role("button", name="End the session of")).to_have_count(1)
        assert findings(carol.page) == []
        carol.page.screenshot(path=tmp_path / "account.png", full_page=True)
        link = request_link(carol, market, address)
        set_password(carol, link, "password1234", shown="too easy to guess")
        carol.forgive(400)
        assert findings(carol.page) == []
        carol.page.screenshot(path=tmp_path / "reset.png")
        set_password(carol, link, BETTER, shown="Your password is set")
        # The other browser is logged out, the old password is worth nothing, and so is the link.
        laptop.page.goto("/account/")
        expect(laptop.page.get_by_role("heading", name="Log in")).to_be_visible()
        fail_to_log_in(laptop, name)
        set_password(carol, link, PASSWORD, shown="used before")
        carol.forgive(410)
        laptop.log_in(name, BETTER)
        laptop.page.goto("/account/security/")
        for event in ("Password reset by e-mail", "Wrong password", "E-mail address verified"):
            expect(laptop.page.get_by_role("main")).to_contain_text(event)
        laptop.page.screenshot(path=tmp_path / "history.png", full_page=True)


def test_what_a_suspended_seller_offers_vanishes_from_open_pages(
    market: Market, chromium: Browser, photograph: Path, tmp_path: Path
) -> None:
    lamp = f"Reading lamp-{uuid4().hex[:8]}"
    name = f"alice-{uuid4().hex[:8]}"
    with (
        visit(chromium, market.listings_url) as seller,
        visit(chromium, market.listings_url) as looking,
        visit(chromium, market.listings_url) as one,
        visit(chromium, market.listings_url) as staff,
    ):
        seller.sign_up(name)
        seller.sell(lamp, photograph)
        one.find(lamp)
        looking.page.goto("/")
        card = looking.page.get_by_role("listitem").filter(has_text=lamp)
        for visitor in (looking, one):
            expect(visitor.page.locator("#live")).to_have_text("Live: updates automatically")
            visitor.mark()
        expect(card).to_be_visible()
        [(user_id,)] = market.listings("SELECT id FROM auth_user WHERE username = %s", name)
        staff.page.goto(f"/admin/login/?next=/admin/auth/user/{user_id}/change/")
        staff.page.get_by_label("Username").fill("admin")
        staff.page.get_by_label("Password").fill("microstore")
        staff.page.get_by_role("button", name="Log in").click()
        staff.page.get_by_label("Active").uncheck()
        staff.page.get_by_role("button", name="Save", exact=True).click()
        expect(card).to_have_count(0)
        expect(looking.page.locator("#said")).to_contain_text(f"No longer on sale: {lamp}")
        expect(one.page.get_by_role("article")).to_contain_text("Not on sale")
        one.page.screenshot(path=tmp_path / "suspended.png")
        for visitor in (looking, one):
            assert visitor.has_not_reloaded()
        seller.page.goto("/account/")
        expect(seller.page.get_by_role("heading", name="Log in")).to_be_visible()
