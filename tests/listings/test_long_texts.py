"""Text and lists that are too long: refused before anything whose cost grows faster than their length."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from listings.models import Listing
from microstore.auth.hashers import NormalisingHasher
from tests.support.problem import read_problem

# The limit is the test: sorting these marks once takes 12 s.
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(20)]

MARKS = "a" + "\N{COMBINING GRAVE ACCENT}\N{COMBINING GRAVE ACCENT BELOW}" * 60_000
CAROL = {"username": "carol", "email": "carol@shop.example", "password": "a lighthouse in fog"}


def post(client: APIClient, path: str, body: object) -> Any:
    """As UTF-8: escaped, so many marks are more than a body may have."""
    return client.post(path, json.dumps(body, ensure_ascii=False).encode(), content_type="application/json")


@pytest.mark.parametrize(
    ("door", "field"),
    [*(("register", field) for field in CAROL), ("token", "username"), ("token", "password")],
)
def test_no_field_that_is_too_long_is_normalised(anybody: APIClient, door: str, field: str) -> None:
    body = CAROL if door == "register" else {name: CAROL[name] for name in ("username", "password")}
    for _ in range(2):
        problem = read_problem(post(anybody, f"/api/auth/{door}/", body | {field: MARKS}), 400)
        assert list(problem["errors"]) == [field]
        assert "no more than" in problem["errors"][field][0]


def test_no_holder_of_a_bank_account_that_is_too_long_is_normalised(api: APIClient) -> None:
    body = json.dumps({"holder": MARKS, "iban": "x", "password": "x"}, ensure_ascii=False).encode()
    for _ in range(2):
        answer = api.put("/api/auth/me/bank-account/", body, content_type="application/json")
        assert "holder" in read_problem(answer, 400)["errors"]


@pytest.fixture
def hasher_of_production(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for its iterations, which take longer than all the rest."""
    settings.PASSWORD_HASHERS = ["microstore.auth.hashers.NormalisingHasher"]
    monkeypatch.setattr(NormalisingHasher, "iterations", 1)


@pytest.mark.usefixtures("hasher_of_production")
@pytest.mark.parametrize("path", ["/admin/login/", "/account/log-in/"])
def test_no_password_of_a_form_that_is_too_long_is_normalised(client: Client, bob: User, path: str) -> None:
    bob.set_password("a lighthouse in fog")
    bob.save()
    for name in ("bob", "nobody", "bob"):
        response = client.post(path, {"username": name, "password": MARKS})
        assert response.status_code in (200, 401)


@pytest.mark.usefixtures("hasher_of_production")
def test_no_password_that_deletes_an_account_is_normalised(bob: User, client: Client) -> None:
    bob.set_password("a lighthouse in fog")
    bob.save()
    client.force_login(bob)
    for _ in range(2):
        assert client.post("/account/delete/", {"password": MARKS}).status_code == 403


@pytest.mark.usefixtures("hasher_of_production")
def test_a_long_password_is_the_same_at_each_door(bob: User) -> None:
    """Staff may have set one in the admin, whose form has no bound."""
    for password in ("\N{LATIN SMALL LETTER E WITH ACUTE}" * 4_096, "e\N{COMBINING ACUTE ACCENT}" * 4_096):
        bob.set_password(password)
        assert bob.check_password(password)
        assert not bob.check_password(password + "x")


@pytest.mark.parametrize("item", [1, {}, {"listing": 1}])
@pytest.mark.parametrize("path", ["/api/checkouts/", "/api/checkouts/quote/"])
def test_no_item_of_a_checkout_that_is_too_long_is_read_or_named(
    api: APIClient, armchair: Listing, path: str, item: object
) -> None:
    response = post(api, path, {"items": [item] * 10_000})
    assert list(read_problem(response, 400)["errors"]) == ["items"]
    assert len(response.content) < 1_000


def test_no_event_of_a_webhook_that_has_too_many_is_named(api: APIClient) -> None:
    response = post(api, "/api/webhooks/", {"url": "https://shop.example/", "events": ["x"] * 10_000})
    assert list(read_problem(response, 400)["errors"]) == ["events"]
    assert len(response.content) < 1_000
