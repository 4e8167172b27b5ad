"""Doors of the admin at which a password or a code is checked; each returns 200 or a refusal's status."""

import re
from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django_otp.plugins.otp_totp.models import TOTPDevice

from tests.support.addresses import addresses
from tests.support.second_factor import App, key_on

RIGHT, WRONG = "crunchy armchair", "creaky armchair"
SECRET_FIELD = re.compile('type="password"|autocomplete="one-time-code"|name="token"')


def of_form(response: Any) -> int:
    """What a form answers: it is shown again, and says why, where an API has a status of its own."""
    if response.status_code == 302:
        return 401 if re.search("log-?in/", response.url) else 200
    if b"Too many failed log-ins" in response.content:
        return 429
    status = int(response.status_code)
    return {200: 401, 403: 401}.get(status, status)


def browser_of(name: str) -> Client:
    """A browser in which the user is logged in."""
    client = Client()
    client.force_login(User.objects.get(username=name))
    return client


def admin(name: str, password: str, **meta: Any) -> int:
    return of_form(Client().post("/admin/login/", {"username": name, "password": password}, **meta))


def admin_change(name: str, password: str, **meta: Any) -> int:
    new = f"{RIGHT} again"
    body = {"old_password": password, "new_password1": new, "new_password2": new}
    return of_form(browser_of(name).post("/admin/password_change/", body, **meta))


def admin_enrol(name: str, password: str, **meta: Any) -> int:
    browser = browser_of(name)
    page: Any = browser.get("/admin/second-factor/enrol/")
    if page.status_code != 200:
        return of_form(page)
    body = {"password": password, "code": App(key_on(page)).next_code()}
    page = browser.post("/admin/second-factor/enrol/", body, **meta)
    return {200: 200, 400: 401}.get(page.status_code) or of_form(page)


# Passwords are guarded, recorded and counted by name, and so are codes. Whoever sets a password ends the
# sessions of the one before. No door opens to a suspended account, and each takes its own kind of secret.
GUARDED = {"guard", "record", "limit of the name", "suspension"}
CODES = {"guard of codes", "record of codes", "limit of the name of codes", "suspension"}
ADMIN_RULES: dict[str, set[str]] = {
    "/admin/login/": GUARDED,
    "/admin/password_change/": GUARDED | {"fingerprint"},
    "/admin/second-factor/enrol/": GUARDED,
    "/admin/second-factor/": CODES,
    "/admin/second-factor/change/": CODES,
    "/admin/auth/user/{id}/password/": {"fingerprint"},  # staff set it, and check none
    "/admin/auth/user/add/": set(),  # nobody has a session yet
}
ADMIN_DOORS: dict[str, Callable[..., int]] = {
    "/admin/login/": admin,
    "/admin/password_change/": admin_change,
    "/admin/second-factor/enrol/": admin_enrol,
}


def admin_doors() -> set[str]:
    """Whatever page of the admin asks for a password, a code or a token of anybody; `{id}` is a user's."""
    before, within = (User.objects.create_superuser(name, pk=pk) for name, pk in (("dora", 1), ("edna", 2)))
    TOTPDevice.objects.create(user=within)
    visitors = [Client(), browser_of(before.username), browser_of(within.username)]
    paths = {path for path in addresses() if path.startswith("/admin/") and "logout" not in path}
    found = {path for path in paths for visitor in visitors if _asks_for_a_secret(visitor.get(path))}
    return {path.replace("/1/", "/{id}/") for path in found}


def _asks_for_a_secret(page: Any) -> bool:
    # An export is a stream of CSV.
    return page.status_code == 200 and not page.streaming and bool(SECRET_FIELD.search(page.content.decode()))
