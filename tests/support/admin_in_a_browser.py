"""Every page of the service's admin in a browser; a new one is opened without being named."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.urls import reverse
from playwright.sync_api import Page
from pytest_django import Settings

from microstore.telemetry.tracing import trace_id_of
from tests.support.accessibility import faults
from tests.support.pictures_of_pages import SIZES, chromium
from tests.support.roles import OPEN_TO_ALL_STAFF, client_as, named_pages, url_of_page

STRANGERS = ("/admin/login/",)
# No pages, pages of whoever has enrolled (test_second_factor_in_a_browser.py), and one of each app, of which
# one is named below.
WITHOUT = {
    *("login", "logout", "jsi18n", "autocomplete"),
    *("app_list", "second-factor", "change-second-factor"),
}


def find_faults(url: str, rows: Mapping[str, Any], settings: Settings) -> list[str]:
    """What is wrong with each page of the admin, in both sizes and both colour schemes.

    `rows` has a row of each model, and `url` is served without TLS.
    """
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "admin_session", "admin_csrf"
    client = client_as("admin")
    paths = [path for path in _addresses(rows) if _is_page(client.get(path))]
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    with chromium() as browser:
        context = browser.new_context(base_url=url)
        page = context.new_page()
        found = [each for path in STRANGERS for each in _faults_of(page, path)]
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": url}])
        return found + [each for path in paths for each in _faults_of(page, path)]


def _addresses(rows: Mapping[str, Any]) -> Iterator[str]:
    letter = rows["messaging_deadletter"]
    for name in sorted(named_pages() | OPEN_TO_ALL_STAFF - WITHOUT):
        if name.endswith("_history") and name != "auth_user_history":
            continue  # each lists changes in the same table
        path = url_of_page(name, rows)
        yield f"{path}?letter={letter.pk}" if name == "messaging_deadletter_decide" else path
    yield reverse("admin:app_list", args=["auth"])
    yield f"{reverse('admin:trace')}?q={trace_id_of(letter.trace)}"
    yield "/admin/nothing/"


def _is_page(response: Any) -> bool:
    """Whether there is a page: nobody adds or deletes what services write, and an export is no page."""
    assert response.status_code in (200, 403, 404), response
    return response.status_code != 403 and not response.streaming


def _faults_of(page: Page, path: str) -> Iterator[str]:
    page.goto(path)
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        yield from (f"{path} ({size}): {each}" for each in faults(page))
    options = "select[name=action] option:not([value=''])"
    for action in page.eval_on_selector_all(options, "found => found.map(each => each.value)"):
        yield from _faults_of_action(page, path, action)


def _faults_of_action(page: Page, path: str, action: str) -> Iterator[str]:
    """What is wrong with the page that an action leads to, such as the form for its reason, on a phone."""
    page.goto(path)
    page.locator("input.action-select").first.check()
    page.select_option("select[name=action]", action)
    page.locator("button[name=index]").click()
    yield from (f"{path} {action}: {each}" for each in faults(page))
