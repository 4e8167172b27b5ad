"""Doors of the admin at which a password is checked; each returns 200 or a refusal's status."""

import re
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

RIGHT, WRONG = "crunchy armchair", "creaky armchair"


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
