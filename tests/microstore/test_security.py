"""Production does not start on defaults, pages carry a policy, and log-ins are watched."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from microstore.security import find_defaults
from microstore.staff import login_guard
from microstore.staff.models import StaffAction

GOOD = {
    "SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz",
    "ALLOWED_HOSTS": ["shop.example"],
    "BROKER_URL": "amqp://listings:hard-to-guess@rabbitmq//",
    "DATABASE_URL": "postgres://listings:hard-to-guess@db/listings",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 64),
        ("SECRET_KEY", "development-only-0123456789abcdefghijklmnop"),
        ("ALLOWED_HOSTS", ["shop.example", "*"]),
        ("ALLOWED_HOSTS", []),
        ("BROKER_URL", "amqp://guest:guest@rabbitmq//"),
        ("BROKER_URL", "amqp://rabbitmq//"),
        ("BROKER_URL", "amqp://listings:Password@rabbitmq//"),
        ("DATABASE_URL", "postgres://app:changeme@db/listings"),
    ],
)
def test_a_default_is_refused_by_its_name(name: str, value: object) -> None:
    assert list(find_defaults(GOOD)) == []
    [told] = find_defaults(GOOD | {name: value})
    assert told.startswith(name)


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["/admin/login/", "/api/schema/", "/health/live", "/nowhere", "/api/docs/"])
def test_every_page_tells_the_browser_to_run_nothing_that_stands_in_it(client: Client, url: str) -> None:
    policy = client.get(url)["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "script-src" not in policy
    assert ("'unsafe-inline'" in policy) == (url == "/api/docs/")


@pytest.mark.django_db
def test_browsers_are_kept_on_https_and_cookies_too(client: Client) -> None:
    User.objects.create_user("carol", password="crunchy armchair", is_staff=True)
    form = {"username": "carol", "password": "crunchy armchair"}
    answer = client.post("/admin/login/?next=/admin/", form, secure=True)
    assert "max-age=31536000; includeSubDomains" in answer["Strict-Transport-Security"]
    for cookie in (answer.cookies["sessionid"], answer.cookies["csrftoken"]):
        assert (cookie["secure"], cookie["samesite"]) == (True, "Lax")
    assert answer.cookies["sessionid"]["httponly"]


@pytest.mark.django_db
def test_no_page_of_the_admin_has_a_script_or_a_style_in_it(admin_client: Client) -> None:
    for url in (
        "/admin/",
        "/admin/messaging/deadletter/",
        "/admin/messaging/deadletter/groups/",
        "/admin/trace/",
    ):
        page = admin_client.get(url).content.decode()
        assert "<script>" not in page
        assert "style=" not in page
        assert "<style" not in page


def log_in(client: Client, password: str, **headers: Any) -> int:
    """The status of the answer; 302 is welcome."""
    form = {"username": "carol", "password": password}
    return client.post("/admin/login/?next=/admin/", form, **headers).status_code


@pytest.mark.django_db
def test_who_fails_too_often_has_to_wait_and_nobody_else(client: Client) -> None:
    User.objects.create_superuser("carol", password="crunchy")
    assert [log_in(client, "wrong") for _ in range(login_guard.FAILURES_OF_ONE)] == [200] * 5
    assert log_in(client, "crunchy") == 429
    assert log_in(client, "crunchy", REMOTE_ADDR="192.0.2.7") == 302
    recorded = StaffAction.objects.values_list("action", "by", "address").order_by("-id")
    assert recorded[0] == ("logged in", "carol", "192.0.2.7")
    assert set(recorded[1:]) == {("failed to log in", "carol", "127.0.0.1")}


@pytest.mark.django_db
def test_who_tries_many_names_has_to_wait(client: Client) -> None:
    for number in range(login_guard.FAILURES_OF_ADDRESS):
        client.post("/admin/login/", {"username": f"somebody-{number}", "password": "guess"})
    User.objects.create_superuser("carol", password="crunchy")
    assert log_in(client, "crunchy") == 429


@pytest.mark.django_db
def test_a_forged_address_does_not_open_the_door(client: Client) -> None:
    for number in range(login_guard.FAILURES_OF_ONE):
        log_in(client, "wrong", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")
    assert log_in(client, "wrong", HTTP_X_FORWARDED_FOR="192.0.2.99") == 429
