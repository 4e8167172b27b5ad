"""Every door at which a password is checked has the same guard, and a token opens its own doors alone."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from rest_framework.test import APIClient

from listings.accounts import sessions
from microstore.auth.tokens import LiveToken
from microstore.staff import login_guard
from microstore.staff.models import FailedLogin, StaffAction
from tests.support.browser import browse
from tests.support.threads import run_at_once
from tests.support.tokens import claims_of, sign

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
RIGHT, WRONG = "crunchy armchair", "creaky armchair"
Door = Callable[..., int]


def admin(name: str, password: str, **meta: Any) -> int:
    status = Client().post("/admin/login/", {"username": name, "password": password}, **meta).status_code
    return {200: 401, 302: 200}.get(status, status)


def page(name: str, password: str, **meta: Any) -> int:
    body = {"username": name, "password": password}
    status = Client().post("/account/log-in/", body, **meta).status_code
    return {302: 200}.get(status, status)


def token(name: str, password: str, **meta: Any) -> int:
    body = {"username": name, "password": password}
    return APIClient().post("/api/auth/token/", body, format="json", **meta).status_code


def change(name: str, password: str, **meta: Any) -> int:
    user = User.objects.get(username=name)
    client = APIClient(headers={"Authorization": f"Bearer {sign(claims_of(user.pk))}"})
    body = {"current": password, "new": f"{RIGHT} again"}
    status = client.post("/api/auth/password/", body, format="json", **meta).status_code
    return {403: 401}.get(status, status)


DOORS = [admin, page, token, change]


@pytest.fixture
def carol() -> User:
    return User.objects.create_superuser("carol", password=RIGHT)


def fail(count: int, *, name: str = "carol", network: str = "192.0.2.1") -> None:
    FailedLogin.objects.bulk_create(FailedLogin(name=name, network=network, at=Now()) for _ in range(count))


@pytest.mark.parametrize("door", DOORS)
def test_after_five_failures_a_right_password_is_refused_and_elsewhere_it_is_not(
    carol: User, door: Door
) -> None:
    assert [door("carol", WRONG) for _ in range(6)] == [401] * 5 + [429]
    assert door("carol", RIGHT) == 429
    assert door("carol", RIGHT, REMOTE_ADDR="192.0.2.7") == 200


@pytest.mark.parametrize("door", DOORS)
def test_failures_at_one_door_count_at_every_other(carol: User, door: Door) -> None:
    assert [each("carol", WRONG) for each in (*DOORS, admin)] == [401] * 5
    assert door("carol", RIGHT) == 429


@pytest.mark.parametrize("door", DOORS)
def test_a_name_that_is_guessed_from_many_networks_waits_longer_and_longer(carol: User, door: Door) -> None:
    for number in range(login_guard.FAILURES_OF_NAME // 5):
        fail(5, network=f"198.51.100.{number}")
    assert door("carol", RIGHT) == 429
    FailedLogin.objects.update(at=Now() - login_guard.WINDOW)
    assert door("carol", RIGHT) == 200


@pytest.mark.parametrize("door", DOORS)
def test_an_attempt_at_a_staff_account_is_a_staff_action(carol: User, door: Door) -> None:
    door("carol", WRONG)
    door("carol", RIGHT)
    actions = list(StaffAction.objects.order_by("id").values_list("action", "by", "address"))
    assert actions == [("failed to log in", "carol", "127.0.0.1"), ("logged in", "carol", "127.0.0.1")]


@pytest.mark.parametrize("door", [page, token])
def test_what_shoppers_do_is_no_staff_action(bob: User, door: Door) -> None:
    door("bob", WRONG)
    door("nobody", WRONG)
    assert not StaffAction.objects.exists()


@pytest.mark.parametrize("name", ["carol ", "CAROL", "\N{FULLWIDTH LATIN SMALL LETTER C}arol", " carol"])
def test_a_name_spelt_otherwise_is_the_same_name(carol: User, name: str) -> None:
    fail(4, network="127.0.0.1")
    assert admin(name, WRONG) == 401
    assert {door("carol", RIGHT) for door in DOORS} == {429}


def test_one_network_cannot_lock_a_name_for_others(carol: User) -> None:
    """However many addresses of its /64 it uses, and however often it tries."""
    statuses = [admin("carol", WRONG, REMOTE_ADDR=f"2001:db8::{number:x}") for number in range(1, 70)]
    assert statuses == [401] * 5 + [429] * 64
    assert admin("carol", RIGHT, REMOTE_ADDR="192.0.2.7") == 200


def test_a_right_password_forgets_the_typing_errors_before(carol: User) -> None:
    for _ in range(3):
        assert [admin("carol", WRONG) for _ in range(4)] == [401] * 4
        assert admin("carol", RIGHT) == 200


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_moment_count_each_other(carol: User) -> None:
    statuses = run_at_once(12, lambda _: token("carol", WRONG))
    assert statuses.count(401) <= login_guard.FAILURES_OF_ONE


def test_old_failures_are_deleted(carol: User) -> None:
    fail(3)
    FailedLogin.objects.update(at=Now() - 2 * login_guard.KEPT_FOR)
    admin("carol", WRONG)
    assert FailedLogin.objects.count() == 1


def test_nothing_else_checks_a_password() -> None:
    """A new door goes through the backend, and says from where it was called."""
    folders = ("listings", "transactions", "microstore")
    code = {file: file.read_text() for folder in folders for file in (ROOT / folder).rglob("*.py")}
    assert not [file.name for file, text in code.items() if re.search(r"\bcheck_password\(", text)]
    calls = [call for text in code.values() for call in re.findall(r"(?<!def )\bauthenticate\((\w+)", text)]
    assert calls == ["request"] * len(calls)
    assert len(calls) >= 2


def test_a_password_that_staff_have_set_ends_the_sessions(bob: User, anybody: APIClient) -> None:
    refresh = str(sessions.open_session(bob))
    bob.set_password("set by staff for Bob")
    bob.save()
    body = {"refresh": refresh}
    assert anybody.post("/api/auth/token/refresh/", body, format="json").status_code == 401


@pytest.mark.django_db(transaction=True)
def test_a_live_token_opens_the_feed_of_orders_and_nothing_else(bob: User) -> None:
    client = Client()
    client.force_login(bob)
    text = client.get("/account/live-token/").json()["access"]
    assert LiveToken(text).payload["exp"] - LiveToken(text).payload["iat"] == 120
    api = APIClient(headers={"Authorization": f"Bearer {text}"})
    assert api.get("/api/orders/").status_code == 401
    assert api.post("/api/auth/token/refresh/", {"refresh": text}, format="json").status_code == 401
    with browse(f"/ws/orders/?token={text}"):
        pass
