"""Logging in, going on, logging out: a refresh token is good once, and only while its session lasts."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from listings.accounts.sessions import open_session
from listings.models import Profile, Session
from tests.support.problem import Answer, read_problem
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db

PASSWORD, BETTER = "a lighthouse in fog", "another lighthouse in fog"


@pytest.fixture
def carol(make_user: Callable[..., User]) -> User:
    return make_user("carol", password=PASSWORD, email="carol@example.com")


def log_in(client: APIClient, **changed: object) -> Answer:
    body: dict[str, Any] = {"username": "carol", "password": PASSWORD} | changed
    response: Answer = client.post("/api/auth/token/", body, format="json")
    return response


def refresh(client: APIClient, token: str) -> Answer:
    response: Answer = client.post("/api/auth/token/refresh/", {"refresh": token}, format="json")
    return response


def log_out(client: APIClient, token: str) -> Answer:
    response: Answer = client.post("/api/auth/logout/", {"refresh": token}, format="json")
    return response


def test_a_session_goes_on_from_one_refresh_token_to_the_next(anybody: APIClient, carol: User) -> None:
    token = log_in(anybody).json()["refresh"]
    for _ in range(3):
        answer = refresh(anybody, token)
        assert answer.headers["Cache-Control"] == "no-store"
        headers = {"Authorization": f"Bearer {answer.json()['access']}"}
        assert anybody.get("/api/auth/me/", headers=headers).json()["username"] == "carol"
        token = answer.json()["refresh"]
    assert Session.objects.count() == 1


def test_a_refresh_token_that_is_used_twice_ends_the_session(anybody: APIClient, carol: User) -> None:
    stolen = log_in(anybody).json()["refresh"]
    successor = refresh(anybody, stolen).json()["refresh"]
    read_problem(refresh(anybody, stolen), 401)
    read_problem(refresh(anybody, successor), 401)
    assert not Session.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_who_refresh_at_once_one_wins_at_most(anybody: APIClient, carol: User) -> None:
    token = log_in(anybody).json()["refresh"]
    statuses = run_at_once(4, lambda _: refresh(anybody, token).status_code)
    assert sorted(statuses) in ([200, 401, 401, 401], [401, 401, 401, 401])


def test_after_logging_out_the_refresh_token_is_good_no_more(anybody: APIClient, carol: User) -> None:
    ended, other = (log_in(anybody).json()["refresh"] for _ in range(2))
    assert log_out(anybody, ended).status_code == 204
    assert log_out(anybody, ended).status_code == 204
    read_problem(refresh(anybody, ended), 401)
    assert refresh(anybody, other).status_code == 200


def test_garbage_logs_nobody_out(anybody: APIClient, carol: User) -> None:
    log_in(anybody)
    read_problem(log_out(anybody, "armchair"), 401)
    assert Session.objects.count() == 1


def test_a_new_password_ends_all_sessions_but_its_own(
    anybody: APIClient, carol: User, client_of: Callable[[User], APIClient]
) -> None:
    before = log_in(anybody).json()["refresh"]
    body = {"current": PASSWORD, "new": BETTER}
    answer = client_of(carol).post("/api/auth/password/", body, format="json")
    read_problem(refresh(anybody, before), 401)
    assert refresh(anybody, answer.json()["refresh"]).status_code == 200
    read_problem(log_in(anybody), 401)
    assert log_in(anybody, password=BETTER).status_code == 200


@pytest.mark.parametrize(
    ("current", "new", "status"), [("wrong", BETTER, 403), (PASSWORD, "short", 400), (PASSWORD, "carol", 400)]
)
def test_a_password_is_not_changed_without_the_old_one_nor_to_a_weak_one(
    carol: User, client_of: Callable[[User], APIClient], current: str, new: str, status: int
) -> None:
    body = {"current": current, "new": new}
    read_problem(client_of(carol).post("/api/auth/password/", body, format="json"), status)
    assert User.objects.get(pk=carol.pk).check_password(PASSWORD)


@pytest.mark.parametrize(
    "body",
    [
        {"username": "carol", "password": "wrong"},
        {"username": "nobody", "password": PASSWORD},
        {"username": "blocked", "password": PASSWORD},
        {"username": "keyless", "password": PASSWORD},
    ],
)
def test_nobody_learns_from_a_failed_log_in_who_has_an_account(
    anybody: APIClient,
    carol: User,
    make_user: Callable[..., User],
    monkeypatch: pytest.MonkeyPatch,
    body: dict[str, str],
) -> None:
    """The same answer after as much hashing. (A clock would tell the same, but not always.)"""
    make_user("blocked", password=PASSWORD, is_active=False)
    make_user("keyless").set_unusable_password()
    runs: list[str] = []
    encode = MD5PasswordHasher.encode

    def counted(self: MD5PasswordHasher, password: str, salt: str) -> str:
        runs.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    problem = read_problem(log_in(anybody, **body), 401)
    assert problem["detail"] == "No active account has this name and password. Names are case-sensitive."
    assert len(runs) == 1


def test_expired_sessions_are_forgotten(anybody: APIClient, carol: User) -> None:
    open_session(carol)
    Session.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    log_in(anybody)
    assert Session.objects.count() == 1


def test_a_profile_is_ones_own_to_change(carol: User, client_of: Callable[[User], APIClient]) -> None:
    client = client_of(carol)
    known = {
        "id": carol.pk,
        "username": "carol",
        "email": "carol@example.com",
        "email_verified": False,
        "email_notifications": True,
    }
    assert client.get("/api/auth/me/").json() == known
    changes = {"email": "carol@example.org", "email_notifications": False}
    given = changes | {"password": PASSWORD}
    assert client.patch("/api/auth/me/", given, format="json").json() == known | changes
    assert client.patch("/api/auth/me/", {"email_notifications": True}, format="json").json() == (
        known | {"email": "carol@example.org"}
    )
    assert Profile.objects.count() == 1


@pytest.mark.parametrize(
    "changes",
    [{"email": "carol"}, {"email_notifications": "no"}, {"email_notifications": None}, {"username": "eve"}],
)
def test_a_bad_change_of_a_profile_is_refused(
    carol: User, client_of: Callable[[User], APIClient], changes: dict[str, object]
) -> None:
    problem = read_problem(client_of(carol).patch("/api/auth/me/", changes, format="json"), 400)
    assert list(problem["errors"]) == list(changes)
