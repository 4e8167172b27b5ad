"""Staff enrol and log in with a code in a real browser; the pictures are kept in .run/screenshots."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from tests.support.accessibility import faults
from tests.support.pictures_of_pages import PICTURES, SIZES, chromium
from tests.support.second_factor import App

# The first one may have to install the browser.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

PASSWORD = "crunchy armchair"


def log_in(page: Page, url: str) -> None:
    page.goto(f"{url}/admin/trace/")
    page.get_by_label("Username").fill("carol")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def keep_picture(page: Page, name: str, size: str) -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}-{size}.png", full_page=True)
    assert faults(page) == [], name


@pytest.fixture
def site(live_server: LiveServer, settings: Any) -> str:
    """Its address; it is served without TLS here."""
    settings.STAFF_SECOND_FACTOR = True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "listings_session", "listings_csrf"
    User.objects.create_superuser("carol", password=PASSWORD)
    return live_server.url


@pytest.fixture
def page(size: str) -> Iterator[Page]:
    """A window in which the browser complains of nothing."""
    width, height = SIZES[size]
    complaints: list[str] = []
    with chromium() as browser:
        opened = browser.new_page(viewport={"width": width, "height": height})
        opened.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
        yield opened
    assert complaints == []


@pytest.mark.parametrize("size", SIZES)
def test_staff_enrol_and_log_in_with_a_code_and_with_a_recovery_code(
    site: str, page: Page, size: str
) -> None:
    log_in(page, site)
    expect(page.get_by_role("heading", name="Enrol your second factor")).to_be_visible()
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    keep_picture(page, "second-factor-enrol", size)
    app = App(page.locator(".staff-key").inner_text())
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("textbox", name="Code").fill(app.next_code())
    page.get_by_role("button", name="Enrol").click()
    expect(page.locator(".staff-codes li")).to_have_count(10)
    recovery_code = page.locator(".staff-codes li").first.inner_text()
    keep_picture(page, "second-factor-recovery-codes", size)
    page.get_by_role("link", name="I have kept them").click()
    expect(page).to_have_url(f"{site}/admin/trace/")
    for number, code in enumerate((app.next_code(), recovery_code)):
        page.get_by_role("button", name="Log out").click()
        log_in(page, site)
        expect(page.get_by_role("heading", name="Second factor")).to_be_visible()
        keep_picture(page, f"second-factor-code-{number}", size)
        page.get_by_role("textbox", name="Code").fill(code)
        page.get_by_role("button", name="Continue").click()
        expect(page).to_have_url(f"{site}/admin/trace/")
    page.get_by_role("link", name="Second factor").click()
    expect(page.locator("#content")).to_contain_text("You have 9 recovery codes left")
    keep_picture(page, "second-factor-change", size)
