"""Codes as an authenticator app shows them."""

import time
from base64 import b32decode
from typing import Any

from django.test import Client
from django_otp.oath import TOTP

from tests.support.pages import text


class App:
    """An authenticator app that was given a key."""

    def __init__(self, key: str) -> None:
        self.key = b32decode(key)
        self.step = 0

    def next_code(self) -> str:
        """A code that was not used before: this half minute's, or where it was, that of the next one.

        The service accepts codes of a step before and after.
        """
        totp = TOTP(self.key)
        totp.time = time.time()
        self.step = max(self.step + 1, totp.t())
        totp.time = self.step * totp.step
        return f"{totp.token():06d}"


def enrol(client: Client, *, password: str) -> tuple[App, list[str]]:
    """Enrol as whoever is logged in; return the app and the recovery codes."""
    app = App(key_on(client.get("/admin/second-factor/enrol/")))
    page = client.post("/admin/second-factor/enrol/", {"password": password, "code": app.next_code()})
    text(page)
    return app, page.context["codes"]


def key_on(page: Any) -> str:
    """The key that a person would type into the app."""
    text(page)
    return str(page.context["key"])
