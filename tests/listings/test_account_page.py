"""The owner of an account sees and ends its sessions, and sees what happened to it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from rest_framework.test import APIClient

from listings.accounts.models import AccountEvent, BrowserSession
from listings.accounts.sessions import open_session
from listings.models import Session
from tests.support.pages import text
from tests.support.problem import read_problem

pytestmark = pytest.mark.django_db

PASSWORD, BETTER = "a lighthouse in fog", "another lighthouse in fog"
PHONE = {"HTTP_USER_AGENT": "Phone\x1b[2J", "REMOTE_ADDR": "192.0.2.7"}


@pytest.fixture
def carol(make_user: Callable[..., User]) -> User:
    return make_user("carol", password=PASSWORD, email="carol@shop.example")


def browser(**meta: Any) -> Client:
    client = Client(**meta)
    body = {"username": "carol", "password": PASSWORD}
    assert client.post("/account/log-in/", body).status_code == 302
    return client


def program(**meta: Any) -> tuple[APIClient, str]:
    client = APIClient(**meta)
    tokens = client.post(
        "/api/auth/token/", {"username": "carol", "password": PASSWORD}, format="json"
    ).json()
    return APIClient(headers={"Authorization": f"Bearer {tokens['access']}"}, **meta), tokens["refresh"]


def is_logged_in(client: Client) -> bool:
    return client.get("/account/").status_code == 200


def goes_on(refresh: str) -> bool:
    return (
        APIClient().post("/api/auth/token/refresh/", {"refresh": refresh}, format="json").status_code == 200
    )


def kinds(user: User) -> list[str]:
    return list(AccountEvent.objects.filter(user=user).order_by("id").values_list("kind", flat=True))


def test_sessions_of_browsers_and_programs_are_listed_alike(carol: User) -> None:
    browser(**PHONE)
    api, _ = program(HTTP_USER_AGENT="Laptop")
    found = api.get("/api/auth/sessions/").json()
    assert [(each["kind"], each["device"], each["address"], each["current"]) for each in found] == [
        ("api", "Laptop", "127.0.0.1", True),
        ("browser", "Phone[2J", "192.0.2.7", False),
    ]
    page = text(browser().get("/account/security/"))
    assert "Phone[2J" in page
    assert "192.0.2.7" in page
    assert page.count("This session") == 1


def test_no_list_shows_what_would_open_a_session(carol: User) -> None:
    phone = browser()
    api, _ = program()
    shown = api.get("/api/auth/sessions/").content.decode() + text(phone.get("/account/security/"))
    assert not [key for key in BrowserSession.objects.values_list("session_key", flat=True) if key in shown]
    assert not [jti for jti in Session.objects.values_list("jti", flat=True) if jti in shown]


@pytest.mark.parametrize("by", ["page", "api"])
def test_a_session_of_either_kind_is_ended_by_its_owner(carol: User, by: str) -> None:
    phone, (_, refresh) = browser(), program()
    ids = [
        BrowserSession.objects.get(session_key=phone.session.session_key).public_id,
        Session.objects.get().pk,
    ]
    laptop, (api, _) = browser(), program()
    for each in ids:
        if by == "api":
            assert api.delete(f"/api/auth/sessions/{each}/").status_code == 204
            read_problem(api.delete(f"/api/auth/sessions/{each}/"), 404)
        else:
            assert laptop.post(f"/account/sessions/{each}/end/").status_code == 302
    assert not is_logged_in(phone)
    assert not goes_on(refresh)
    assert is_logged_in(laptop)


def test_all_other_sessions_end_at_once(carol: User) -> None:
    phone, laptop, (api, own), (_, refresh) = browser(), browser(), program(), program()
    assert laptop.post("/account/sessions/end-others/").status_code == 302
    assert (is_logged_in(phone), is_logged_in(laptop), goes_on(own), goes_on(refresh)) == (
        *(False, True),
        *(False, False),
    )
    api, own = program()
    assert api.post("/api/auth/sessions/end-others/").json() == {"ended": 1}
    assert (is_logged_in(laptop), goes_on(own)) == (False, True)


def test_the_sessions_of_others_are_not_found(carol: User, shopper: Client, api: APIClient) -> None:
    phone = browser()
    own = BrowserSession.objects.get(session_key=phone.session.session_key).public_id
    text(shopper.post(f"/account/sessions/{own}/end/"), 404)
    read_problem(api.delete(f"/api/auth/sessions/{own}/"), 404)
    shopper.post("/account/sessions/end-others/")
    assert is_logged_in(phone)


def test_a_new_password_on_the_page_ends_every_session_but_this_one(carol: User) -> None:
    phone, laptop, (_, refresh) = browser(), browser(), program()
    page = laptop.post("/account/password/", {"current": "creaky", "new": BETTER})
    assert "not your current password" in text(page, 403)
    assert "too easy to guess" in text(
        laptop.post("/account/password/", {"current": PASSWORD, "new": "password1234"}), 400
    )
    assert laptop.post("/account/password/", {"current": PASSWORD, "new": BETTER}).status_code == 302
    assert (is_logged_in(phone), is_logged_in(laptop), goes_on(refresh)) == (False, True, False)
    assert BrowserSession.objects.filter(user=carol).count() == 1
    carol.refresh_from_db()
    assert carol.check_password(BETTER)


def test_another_address_needs_the_password(carol: User, client_of: Callable[[User], APIClient]) -> None:
    laptop, api = browser(), client_of(carol)
    new = "carol@lighthouse.example"
    assert list(read_problem(api.patch("/api/auth/me/", {"email": new}, format="json"), 400)["errors"]) == [
        "password"
    ]
    wrong = {"email": new, "password": "creaky"}
    read_problem(api.patch("/api/auth/me/", wrong, format="json"), 403)
    text(laptop.post("/account/address/", wrong), 403)
    carol.refresh_from_db()
    assert carol.email == "carol@shop.example"
    assert laptop.post("/account/address/", {"email": new, "password": PASSWORD}).status_code == 302
    again = {"email": "carol@shop.example", "password": PASSWORD}
    assert api.patch("/api/auth/me/", again, format="json").json()["email"] == "carol@shop.example"
    assert kinds(carol).count("address_changed") == 2


def test_what_happens_at_any_door_is_in_the_history(carol: User, anybody: APIClient) -> None:
    phone, (api, _) = browser(**PHONE), program()
    Client().post("/account/log-in/", {"username": "carol", "password": "creaky"})
    Client().post("/admin/login/", {"username": "carol", "password": "creaky"})
    anybody.post("/api/auth/token/", {"username": "carol", "password": "creaky"}, format="json")
    anybody.post("/api/auth/token/", {"username": "nobody", "password": "creaky"}, format="json")
    api.post("/api/auth/password/", {"current": "creaky", "new": BETTER}, format="json")
    phone.post("/account/password/", {"current": PASSWORD, "new": BETTER})
    phone.post("/account/sessions/end-others/")
    expected = ["logged_in"] * 2 + ["wrong_password"] * 4 + ["password_changed", "sessions_ended"]
    assert kinds(carol) == expected
    assert AccountEvent.objects.count() == len(expected)
    found = api.get("/api/auth/history/").json()["results"]
    assert [each["kind"] for each in found] == expected[::-1]
    assert (found[-1]["address"], found[-1]["device"]) == ("192.0.2.7", "Phone[2J")
    page = text(phone.get("/account/security/"))
    assert page.count("Wrong password") == 4
    assert "Password changed" in page


def test_a_session_that_is_ended_while_it_works_does_not_come_back(carol: User) -> None:
    laptop = browser()
    session = laptop.session
    assert session["log_in"]
    BrowserSession.objects.filter(user=carol).delete()
    session["cart"] = "later"
    with pytest.raises(UpdateError):
        session.save()
    assert not is_logged_in(laptop)


def test_sessions_that_have_expired_are_not_listed_and_go_at_the_next_log_in(carol: User) -> None:
    browser()
    open_session(carol)
    BrowserSession.objects.update(expire_date="2026-01-01T00:00Z")
    Session.objects.update(expires_at="2026-01-01T00:00Z")
    api, _ = program()
    assert len(api.get("/api/auth/sessions/").json()) == 1
    browser()
    assert (
        BrowserSession.objects.filter(user=carol).count() == Session.objects.filter(user=carol).count() == 1
    )
