"""Every door at which a password is checked has the same guard, and a token opens its own doors alone."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from pytest_django import Settings
from rest_framework.test import APIClient

from listings.accounts import mails, sessions
from listings.models import Profile
from microstore.auth.tokens import BalanceToken, LiveToken
from microstore.http import limits
from microstore.staff import login_guard
from microstore.staff.models import FailedLogin, KnownNetwork, StaffAction
from tests.listings.account_mails import deliver_account_mails, token_in
from tests.support.browser import browse
from tests.support.password_doors import (
    ADMIN_DOORS,
    ADMIN_RULES,
    GUARDED,
    RIGHT,
    WRONG,
    admin,
    admin_change,
    admin_doors,
    admin_enrol,
    browser_of,
    of_form,
)
from tests.support.ports import closed_port
from tests.support.threads import run_at_once
from tests.support.tokens import claims_of, sign

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
BETTER = "a lighthouse in fog"
Door = Callable[..., int]


def page(name: str, password: str, **meta: Any) -> int:
    return of_form(Client().post("/account/log-in/", {"username": name, "password": password}, **meta))


def token(name: str, password: str, **meta: Any) -> int:
    body = {"username": name, "password": password}
    return APIClient().post("/api/auth/token/", body, format="json", **meta).status_code


def api_of(name: str) -> APIClient:
    user = User.objects.get(username=name)
    return APIClient(headers={"Authorization": f"Bearer {sign(claims_of(user.pk))}"})


def change(name: str, password: str, **meta: Any) -> int:
    body = {"current": password, "new": f"{RIGHT} again"}
    status = api_of(name).post("/api/auth/password/", body, format="json", **meta).status_code
    return {403: 401}.get(status, status)


def change_page(name: str, password: str, **meta: Any) -> int:
    body = {"current": password, "new": f"{RIGHT} again"}
    return of_form(browser_of(name).post("/account/password/", body, **meta))


def address(name: str, password: str, **meta: Any) -> int:
    body = {"password": password, "email": "carol@lighthouse.example"}
    status = api_of(name).patch("/api/auth/me/", body, format="json", **meta).status_code
    return {403: 401}.get(status, status)


def address_page(name: str, password: str, **meta: Any) -> int:
    body = {"password": password, "email": "carol@lighthouse.example"}
    return of_form(browser_of(name).post("/account/address/", body, **meta))


STAFF_STAYS = 409  # with the right password: carol's account is one of staff, which is not deleted here


def delete(name: str, password: str, **meta: Any) -> int:
    body = {"password": password}
    status = api_of(name).post("/api/auth/me/delete/", body, format="json", **meta).status_code
    return {403: 401, STAFF_STAYS: 200}.get(status, status)


def delete_page(name: str, password: str, **meta: Any) -> int:
    status = of_form(browser_of(name).post("/account/delete/", {"password": password}, **meta))
    return 200 if status == STAFF_STAYS else status


BANK_ACCOUNT = {"holder": "Carol Example", "iban": "DE89370400440532013000"}
UNVERIFIED = b"Verify your e-mail address first"  # with the right password, since carol has no address


def bank(name: str, password: str, **meta: Any) -> int:
    body = BANK_ACCOUNT | {"password": password}
    response: Any = api_of(name).put("/api/auth/me/bank-account/", body, format="json", **meta)
    return (
        200 if UNVERIFIED in response.content else {403: 401}.get(response.status_code, response.status_code)
    )


def bank_page(name: str, password: str, **meta: Any) -> int:
    body = BANK_ACCOUNT | {"password": password}
    response: Any = browser_of(name).post("/account/bank-account/", body, **meta)
    return 200 if UNVERIFIED in response.content else of_form(response)


DOORS = [
    *(admin, page, token, change, change_page, address, address_page, admin_change, delete, delete_page),
    *(bank, bank_page, admin_enrol),
]
# Every door of a secret: those of the API's schema and of the shop's forms, and the admin's.
RULES: dict[str, set[str]] = {
    **ADMIN_RULES,
    "log_in.html": GUARDED,
    "sign_up.html": set(),  # the same
    "account_password.html": GUARDED | {"fingerprint"},
    "account_email.html": GUARDED,
    "account_delete.html": GUARDED,
    "account_bank.html": GUARDED,
    "reset.html": {"fingerprint", "suspension", "scope"},
    "verify.html": {"suspension", "scope"},
    "unsubscribe.html": {"scope"},
    "POST /api/auth/register/": set(),
    "POST /api/auth/token/": GUARDED,
    "POST /api/auth/token/refresh/": {"fingerprint", "suspension", "scope"},
    "POST /api/auth/logout/": {"scope"},
    "POST /api/auth/password/": GUARDED | {"fingerprint"},
    "PATCH /api/auth/me/": GUARDED,
    "POST /api/auth/me/delete/": GUARDED,
    "PUT /api/auth/me/bank-account/": GUARDED,
    "POST /api/auth/password/reset/": {"fingerprint", "suspension", "scope"},
    "POST /api/auth/email/verify/": {"suspension", "scope"},
    "any endpoint, by a token": {"suspension", "scope"},
    "/ws/orders/": {"scope"},
}
BY_DOOR: dict[str, Door] = {
    **ADMIN_DOORS,
    "log_in.html": page,
    "account_password.html": change_page,
    "account_email.html": address_page,
    "account_delete.html": delete_page,
    "account_bank.html": bank_page,
    "POST /api/auth/token/": token,
    "POST /api/auth/password/": change,
    "PATCH /api/auth/me/": address,
    "POST /api/auth/me/delete/": delete,
    "PUT /api/auth/me/bank-account/": bank,
}
SECRETS = {"password", "current", "new", "token", "refresh"}


@pytest.fixture
def carol() -> User:
    return User.objects.create_superuser("carol", password=RIGHT)


def fail(count: int, *, name: str = "carol", network: str = "192.0.2.1") -> None:
    FailedLogin.objects.bulk_create(
        FailedLogin(name=login_guard.hash_name(name), network=network, at=Now()) for _ in range(count)
    )


@pytest.mark.parametrize("door", DOORS)
def test_after_five_failures_a_right_password_is_refused_and_elsewhere_it_is_not(
    carol: User, door: Door
) -> None:
    assert [door("carol", WRONG) for _ in range(6)] == [401] * 5 + [429]
    assert door("carol", RIGHT) == 429
    assert door("carol", RIGHT, REMOTE_ADDR="192.0.2.7") == 200


@pytest.mark.parametrize("door", DOORS)
def test_failures_at_one_door_count_at_every_other(carol: User, door: Door) -> None:
    others = [each for each in DOORS if each is not door]
    assert [each("carol", WRONG) for each in others[:5]] == [401] * 5
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
    tried = StaffAction.objects.filter(action__in=("failed to log in", "logged in"))
    actions = list(tried.order_by("id").values_list("action", "by", "address"))
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


def test_one_line_cannot_lock_a_name_for_others(carol: User) -> None:
    """However many /64 of the /56, or /48, that it is given it uses."""
    lines = [f"2001:db8:0:{number:x}::1" for number in range(14)]
    statuses = [admin("carol", WRONG, REMOTE_ADDR=line) for line in lines for _ in range(5)]
    assert statuses == [401] * 10 + [429] * 60
    assert admin("carol", RIGHT, REMOTE_ADDR="192.0.2.7") == 200


@pytest.mark.parametrize("home", ["192.0.2.7", "2001:db8::7"])
def test_strangers_lock_nobody_out_of_where_they_have_logged_in_before(carol: User, home: str) -> None:
    assert page("carol", RIGHT, REMOTE_ADDR=home) == 200
    for number in range(login_guard.FAILURES_OF_NAME):
        fail(5, network=f"198.51.100.{number}")
    assert {door("carol", RIGHT, REMOTE_ADDR="203.0.113.7") for door in DOORS} == {429}
    assert token("carol", RIGHT, REMOTE_ADDR=home) == 200
    # Guesses from there are limited as anywhere, and no other name is known there.
    assert [token("carol", WRONG, REMOTE_ADDR=home) for _ in range(6)] == [401] * 5 + [429]
    User.objects.create_user("dora", password=RIGHT)
    fail(100, name="dora", network="198.51.100.1")
    assert token("dora", RIGHT, REMOTE_ADDR=home) == 429


def test_a_network_is_known_for_a_while(carol: User) -> None:
    assert page("carol", RIGHT) == 200
    KnownNetwork.objects.update(at=Now() - login_guard.KNOWN_FOR)
    fail(100, network="198.51.100.1")
    assert page("carol", RIGHT) == 429
    assert page("somebody", WRONG) == 401
    assert not KnownNetwork.objects.exists()


def test_clients_of_ipv4_are_no_one_network_where_a_server_listens_on_ipv6(carol: User) -> None:
    assert [admin("carol", WRONG, REMOTE_ADDR="::ffff:192.0.2.1") for _ in range(6)] == [401] * 5 + [429]
    assert admin("carol", RIGHT, REMOTE_ADDR="::ffff:192.0.2.7") == 200


@pytest.mark.parametrize("door", [page, token, change])
def test_the_limit_of_a_name_holds_while_redis_is_away(carol: User, settings: Settings, door: Door) -> None:
    with closed_port() as port:
        settings.LIMITS_URL = f"redis://127.0.0.1:{port}/0"
        limits.current_counter.cache_clear()
        assert [door("carol", WRONG) for _ in range(6)] == [401] * 5 + [429]
    limits.current_counter.cache_clear()


def test_a_right_password_forgets_the_typing_errors_before(carol: User) -> None:
    for _ in range(3):
        assert [admin("carol", WRONG) for _ in range(4)] == [401] * 4
        assert admin("carol", RIGHT) == 200


def doors_in_the_code() -> set[str]:
    """Whatever takes a password, a code or a token: by the schema, the shop's forms, the admin's pages."""
    schema: Any = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]  # drf-spectacular's
    found = set()
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).values()
            names = {ref.rpartition("/")[2] for each in content if (ref := each["schema"].get("$ref"))}
            parts = [schema["components"]["schemas"][name].get("properties", {}) for name in names]
            if SECRETS.intersection(*([set().union(*parts)])):
                found.add(f"{method.upper()} {path}")
    templates = (ROOT / "listings/templates/shop").glob("*.html")
    found |= {file.name for file in templates if re.search(r'type="password"|name="token"', file.read_text())}
    return found | admin_doors()


def test_every_door_has_its_rules() -> None:
    """A new one needs a row, and what is in the row is tried by the tests of this file."""
    elsewhere = {"/ws/orders/", "any endpoint, by a token"}
    assert doors_in_the_code() == RULES.keys() - elsewhere
    assert {door for door, rules in RULES.items() if rules >= GUARDED} == BY_DOOR.keys()
    assert set(BY_DOOR.values()) == set(DOORS)
    assert {door for door, rules in RULES.items() if "fingerprint" in rules} == {
        *SETTERS,
        "POST /api/auth/token/refresh/",
    }


@pytest.mark.parametrize("door", DOORS)
def test_no_door_opens_to_a_suspended_account(carol: User, door: Door) -> None:
    User.objects.filter(pk=carol.pk).update(is_active=False)
    assert door("carol", RIGHT) == 401


def staff_set_it(carol: User) -> None:
    other = User.objects.create_superuser("dora")
    body = {"usable_password": "true", "password1": BETTER, "password2": BETTER}
    response = browser_of(other.username).post(f"/admin/auth/user/{carol.pk}/password/", body)
    assert response.status_code == 302


def link_of(carol: User) -> str:
    User.objects.filter(pk=carol.pk).update(email="carol@shop.example")
    Profile.objects.create(user=carol, verified_email="carol@shop.example")
    mails.request_reset("carol@shop.example")
    return token_in(deliver_account_mails()[0])


SETTERS: dict[str, Callable[[User], object]] = {
    "/admin/password_change/": lambda _: admin_change("carol", RIGHT),
    "/admin/auth/user/{id}/password/": staff_set_it,
    "account_password.html": lambda _: change_page("carol", RIGHT),
    "reset.html": lambda carol: Client().post("/account/reset/", {"token": link_of(carol), "new": BETTER}),
    "POST /api/auth/password/": lambda _: change("carol", RIGHT),
    "POST /api/auth/password/reset/": lambda carol: APIClient().post(
        "/api/auth/password/reset/", {"token": link_of(carol), "new": BETTER}, format="json"
    ),
}


@pytest.mark.parametrize("door", SETTERS)
def test_whoever_sets_a_password_ends_the_sessions_of_the_one_before(carol: User, door: str) -> None:
    browser, refresh = browser_of("carol"), str(sessions.open_session(carol))
    assert browser.get("/account/").status_code == 200
    SETTERS[door](carol)
    carol.refresh_from_db()
    assert not carol.check_password(RIGHT)
    assert browser.get("/account/").status_code == 302
    response = APIClient().post("/api/auth/token/refresh/", {"refresh": refresh}, format="json")
    assert response.status_code == 401


def secrets_of(bob: User) -> dict[str, str]:
    """One of each kind that bob has."""
    User.objects.filter(pk=bob.pk).update(email="bob@shop.example")
    bob.refresh_from_db()
    Profile.objects.create(user=bob, verified_email=bob.email)
    mails.request_reset(bob.email)
    reset = token_in(deliver_account_mails()[0])
    mails.request_verification(bob)
    refresh = sessions.open_session(bob)
    return {
        "access": str(refresh.access_token),
        "refresh": str(refresh),
        "live": str(LiveToken.for_user(bob)),
        "balance": str(BalanceToken.for_user(bob)),
        "reset": reset,
        "verify": token_in(deliver_account_mails()[0]),
        "unsubscribe": str(Profile.objects.get(user=bob).unsubscribe_token),
    }


def post(path: str, **body: str) -> int:
    return APIClient().post(path, body, format="json").status_code


TAKES: dict[str, tuple[str, Callable[[str], int]]] = {
    "any endpoint, by a token": (
        "access",
        lambda text: APIClient(headers={"Authorization": f"Bearer {text}"}).get("/api/orders/").status_code,
    ),
    "POST /api/auth/token/refresh/": ("refresh", lambda text: post("/api/auth/token/refresh/", refresh=text)),
    "POST /api/auth/logout/": ("refresh", lambda text: post("/api/auth/logout/", refresh=text)),
    "POST /api/auth/password/reset/": (
        "reset",
        lambda text: post("/api/auth/password/reset/", token=text, new=BETTER),
    ),
    "POST /api/auth/email/verify/": ("verify", lambda text: post("/api/auth/email/verify/", token=text)),
    "reset.html": (
        "reset",
        lambda text: Client().post("/account/reset/", {"token": text, "new": BETTER}).status_code,
    ),
    "verify.html": ("verify", lambda text: Client().post("/account/verify/", {"token": text}).status_code),
    "unsubscribe.html": (
        "unsubscribe",
        lambda text: Client().post("/account/unsubscribe/", {"token": text}).status_code,
    ),
}


def test_each_door_takes_its_own_kind_of_secret_and_no_other(bob: User) -> None:
    secrets = secrets_of(bob)
    for door, (own, knock) in TAKES.items():
        statuses = {kind: knock(text) for kind, text in secrets.items() if kind != own}
        assert all(status >= 400 for status in statuses.values()), (door, statuses)
    scoped = {door for door, rules in RULES.items() if "scope" in rules}
    assert scoped == {*TAKES, "/ws/orders/"}


@pytest.mark.parametrize("door", TAKES)
def test_each_door_takes_its_own_kind_of_secret_unless_the_account_is_suspended(bob: User, door: str) -> None:
    own, knock = TAKES[door]
    text = secrets_of(bob)[own]
    if "suspension" in RULES[door] and door != "any endpoint, by a token":
        User.objects.filter(pk=bob.pk).update(is_active=False)
        assert knock(text) in (401, 410)
        User.objects.filter(pk=bob.pk).update(is_active=True)
    assert knock(text) < 300


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
def test_the_tokens_of_a_page_are_short_lived_and_the_live_one_opens_the_feed_of_orders(bob: User) -> None:
    client = Client()
    client.force_login(bob)
    live, balance = (client.get(f"/account/{kind}-token/").json()["access"] for kind in ("live", "balance"))
    for token_, seconds in ((LiveToken(live), 120), (BalanceToken(balance), 300)):
        assert token_.payload["exp"] - token_.payload["iat"] == seconds
    with browse(f"/ws/orders/?token={live}"):
        pass
