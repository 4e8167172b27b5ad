"""Staff suspend an account in the admin: its sessions end, and open pages look again what is on sale."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from listings.accounts.models import BrowserSession
from listings.accounts.sessions import open_session
from listings.models import Session
from microstore.staff.models import StaffAction
from tests.support.browser import browse

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff(make_user: Callable[..., User]) -> Client:
    client = Client()
    client.force_login(make_user("dora", is_staff=True, is_superuser=True))
    return client


def save(staff: Client, user: User, **fields: str) -> Any:
    form = {"username": user.username}
    response = staff.post(f"/admin/auth/user/{user.pk}/change/", form | fields)
    assert response.status_code == 302, response.content[:500]


def test_suspending_ends_sessions_of_both_kinds_and_is_a_staff_action(
    staff: Client, bob: User, shopper: Client, anybody: APIClient
) -> None:
    refresh = str(open_session(bob))
    save(staff, bob, is_active="on", first_name="Robert")
    assert Session.objects.filter(user=bob).exists()
    save(staff, bob)
    assert not Session.objects.filter(user=bob).exists()
    assert not BrowserSession.objects.filter(user=bob).exists()
    assert shopper.get("/account/").status_code == 302
    body = {"refresh": refresh}
    assert anybody.post("/api/auth/token/refresh/", body, format="json").status_code == 401
    save(staff, bob, is_active="on")
    target = f"user {bob.pk}"
    actions = StaffAction.objects.filter(target=target, action__in=("suspended", "reinstated"))
    assert list(actions.order_by("id").values_list("by", "action")) == [
        ("dora", "suspended"),
        ("dora", "reinstated"),
    ]


def test_open_pages_are_sent_to_look_again_and_feeds_of_orders_are_not(staff: Client, alice: User) -> None:
    with browse("/ws/listings/") as page:
        save(staff, alice)
        assert page.read()["type"] == "reset"
