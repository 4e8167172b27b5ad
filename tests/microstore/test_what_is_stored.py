"""No cache keeps what is somebody's own: answers to a token or a cookie, of every address of the service."""

import os
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from tests.support.addresses import addresses
from tests.support.tokens import claims_of, sign

pytestmark = pytest.mark.django_db

LOG_OUT = ("/account/log-out/", "/admin/logout/")  # last: the other addresses are for somebody
METHODS = ("get", "head", "post", "options")
SAME_FOR_ALL = {"/.well-known/jwks.json"}


def is_stored(response: Any) -> bool:
    return "no-store" not in response.headers.get("Cache-Control", "")


def all_addresses() -> list[str]:
    there_are = sorted(set(addresses()), key=lambda address: address in LOG_OUT)
    assert {"/admin/", "/api/schema/", "/health/live", "/staff/trace"} <= set(there_are)
    return there_are


@pytest.fixture
def client(client: Client) -> Client:
    client.raise_request_exception = False
    return client


def test_no_answer_to_a_token_is_stored(client: Client) -> None:
    user = User.objects.create_user("carol")
    headers = {"Authorization": f"Bearer {sign(claims_of(user.pk))}"}
    stored = {
        (method, address)
        for address in [*all_addresses(), "/nowhere", "/api/nowhere/"]
        for method in METHODS
        if is_stored(getattr(client, method)(address, headers=headers))
    }
    assert stored == set()


def test_no_page_of_a_session_is_stored(client: Client) -> None:
    client.force_login(User.objects.create_superuser("carol"))
    stored = {
        address
        for address in [*all_addresses(), "/nowhere"]
        for method in METHODS
        if is_stored(getattr(client, method)(address))
    }
    assert stored <= SAME_FOR_ALL


def test_no_answer_that_sets_a_cookie_is_stored(client: Client) -> None:
    answer = client.get("/admin/login/")
    assert answer.cookies
    assert not is_stored(answer)


@pytest.mark.skipif(os.environ["MICROSTORE_SERVICE"] != "listings", reason="only there are carts")
def test_no_page_of_a_cart_is_stored(client: Client) -> None:
    client.cookies["cart"] = "x"
    assert not is_stored(client.get("/cart/"))


def test_what_is_the_same_for_all_is_stored(client: Client, settings: Settings) -> None:
    settings.WHITENOISE_USE_FINDERS = True
    client.cookies[settings.SESSION_COOKIE_NAME] = "x" * 32
    style = client.get("/static/staff/staff.css")
    assert (style.status_code, "public" in style.headers["Cache-Control"]) == (200, True)
    style.close()
