"""Making an account, and getting tokens for it."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from listings.accounts.sessions import open_session
from listings.models import Listing
from tests.support.problem import Answer, read_problem
from tests.support.rows import count_rows
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db

CAROL = {"username": "carol", "email": "carol@example.com", "password": "a lighthouse in fog"}


def post(client: APIClient, url: str, body: object) -> Answer:
    """Escaped by hand: the test client cannot send a lone surrogate."""
    response: Answer = client.post(url, json.dumps(body), content_type="application/json")
    return response


def register(client: APIClient, **changed: object) -> Answer:
    return post(client, "/api/auth/register/", CAROL | changed)


def get_tokens(client: APIClient, **changed: object) -> Answer:
    body: dict[str, Any] = {"username": "carol", "password": CAROL["password"]} | changed
    return post(client, "/api/auth/token/", body)


def refresh(client: APIClient, token: object) -> Answer:
    return post(client, "/api/auth/token/refresh/", {"refresh": token})


def test_a_new_account_can_buy_an_armchair(anybody: APIClient, armchair: Listing) -> None:
    assert register(anybody).status_code == 201
    access = get_tokens(anybody).json()["access"]
    headers = {"Authorization": f"Bearer {access}"}
    assert anybody.post(f"/api/listings/{armchair.pk}/buy/", headers=headers).status_code == 202


def test_a_new_account_is_told_without_its_password(anybody: APIClient) -> None:
    answer = register(anybody).json()
    carol = User.objects.get(username="carol")
    assert answer == {"id": carol.pk, "username": "carol", "email": "carol@example.com"}
    assert carol.check_password(CAROL["password"])
    assert not carol.is_staff
    assert not carol.is_superuser


def test_a_name_is_taken_once(anybody: APIClient) -> None:
    register(anybody)
    assert list(read_problem(register(anybody), 400)["errors"]) == ["username"]
    assert User.objects.count() == 1


def test_a_name_that_is_spelt_with_other_characters_is_the_same_name(anybody: APIClient) -> None:
    """Django stores names in NFKC, in which the ligature is two letters."""
    register(anybody, username="coffin")
    assert list(read_problem(register(anybody, username="cof\ufb01n"), 400)["errors"]) == ["username"]


@pytest.mark.parametrize("name", ["CAROL", "c\N{CYRILLIC SMALL LETTER A}rol"])
def test_a_name_that_looks_like_another_is_refused(anybody: APIClient, name: str) -> None:
    register(anybody)
    assert list(read_problem(register(anybody, username=name), 400)["errors"]) == ["username"]


def test_an_address_to_which_no_email_can_be_written_is_refused(anybody: APIClient) -> None:
    email = "carol@" + "ü" * 60 + ".example"
    assert list(read_problem(register(anybody, email=email), 400)["errors"]) == ["email"]


def test_what_is_no_address_is_said_once(anybody: APIClient) -> None:
    assert read_problem(register(anybody, email="carol@x"), 400)["errors"] == {
        "email": ["Enter a valid email address."]
    }


def test_a_name_that_grows_when_it_is_normalised_is_too_long(anybody: APIClient) -> None:
    assert list(read_problem(register(anybody, username="\ufdfa" * 150), 400)["errors"]) == ["username"]


@pytest.mark.django_db(transaction=True)
def test_a_name_that_many_want_at_once_is_taken_once(anybody: APIClient) -> None:
    anybody.get("/health/live")
    statuses = run_at_once(6, lambda _: register(anybody).status_code)
    assert sorted(statuses) == [201, 400, 400, 400, 400, 400]
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    "password",
    ["short", "12345678901", "password123", "password1234", "lighthouse", "carol@example.com", "", " " * 3],
)
def test_a_weak_password_is_refused(anybody: APIClient, password: str) -> None:
    assert list(read_problem(register(anybody, password=password), 400)["errors"]) == ["password"]
    assert not User.objects.exists()


BAD_FIELDS: dict[str, tuple[object, ...]] = {
    "username": ("", "two words", "c" * 151, "c\0", "\ud800", 7, None, [], "<b>"),
    "email": ("", "carol", "carol@", "c" * 250 + "@example.com", "\ud800@b.de", "(" * 254, "(" * 5_000, None),
    "password": ("p" * 129, "a lighthouse\0", "a lighthouse \ud800", 12, None, []),
    "is_staff": (True,),
    "id": (1,),
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, bad) for field in BAD_FIELDS for bad in BAD_FIELDS[field]]
)
def test_a_bad_field_is_refused(anybody: APIClient, field: str, value: object) -> None:
    before = count_rows()
    assert list(read_problem(register(anybody, **{field: value}), 400)["errors"]) == [field]
    assert count_rows() == before


@pytest.mark.parametrize("missing", CAROL)
def test_all_fields_are_needed(anybody: APIClient, missing: str) -> None:
    body = {name: value for name, value in CAROL.items() if name != missing}
    problem = read_problem(post(anybody, "/api/auth/register/", body), 400)
    assert list(problem["errors"]) == [missing]


@pytest.mark.parametrize("changed", [{"password": "a lighthouse at night"}, {"username": "caroline"}])
def test_a_wrong_password_gets_no_token(anybody: APIClient, changed: dict[str, str]) -> None:
    register(anybody)
    assert "access" not in read_problem(get_tokens(anybody, **changed), 401)


def test_a_blocked_account_gets_no_token(anybody: APIClient) -> None:
    register(anybody)
    User.objects.update(is_active=False)
    read_problem(get_tokens(anybody), 401)


@pytest.mark.parametrize("value", ["", "carol\0", "\ud800", None, [], {}, True])
def test_a_login_that_makes_no_sense_is_refused(anybody: APIClient, value: object) -> None:
    assert list(read_problem(get_tokens(anybody, username=value), 400)["errors"]) == ["username"]
    assert list(read_problem(get_tokens(anybody, password=value), 400)["errors"]) == ["password"]


def test_a_refresh_token_gets_a_new_access_token(anybody: APIClient, bob: User) -> None:
    answer = refresh(anybody, str(open_session(bob)))
    headers = {"Authorization": f"Bearer {answer.json()['access']}"}
    assert answer.status_code == 200
    assert anybody.get("/api/orders/", headers=headers).status_code == 200


def test_an_access_token_refreshes_nothing(anybody: APIClient, bob: User) -> None:
    read_problem(refresh(anybody, str(open_session(bob).access_token)), 401)


@pytest.mark.parametrize("token", ["armchair", "a.b.c"])
def test_garbage_refreshes_nothing(anybody: APIClient, token: str) -> None:
    read_problem(refresh(anybody, token), 401)


@pytest.mark.parametrize("token", ["", None, [], "\0"])
def test_nothing_refreshes_nothing(anybody: APIClient, token: object) -> None:
    read_problem(refresh(anybody, token), 400)


def test_the_refresh_token_of_a_blocked_account_refreshes_nothing(anybody: APIClient, bob: User) -> None:
    token = str(open_session(bob))
    User.objects.update(is_active=False)
    read_problem(refresh(anybody, token), 401)


def test_the_refresh_token_of_a_deleted_account_refreshes_nothing(anybody: APIClient, bob: User) -> None:
    token = str(open_session(bob))
    bob.delete()
    read_problem(refresh(anybody, token), 401)
