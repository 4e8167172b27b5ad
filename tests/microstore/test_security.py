"""Production does not start on defaults, pages carry a policy, and log-ins are watched."""

import os
import secrets
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management.utils import get_random_secret_key
from django.test import Client
from django.test.client import FakePayload

from microstore.auth.unsafe_settings import find_unsafe_settings
from microstore.staff import login_guard
from microstore.staff.models import StaffAction
from tests.support.environment import make_key_pair
from tests.support.problem import read_problem

SERVICE = os.environ["MICROSTORE_SERVICE"]
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
PRIVATE, PUBLIC = make_key_pair()
GOOD = {
    "STAFF_KEY": "0c4f9ad27b1e86530f7a92d4c1e8b65f",
    "FLOWER_BASIC_AUTH": "operator:a lighthouse in fog",
    "SIMPLE_JWT": {"SIGNING_KEY": PRIVATE, "VERIFYING_KEY": PUBLIC},
    "SECRET_KEY": "q8Vw2_nTz-61LrBdYxKo5HfM0sJc3GpE",
    "ALLOWED_HOSTS": ["shop.example"],
    "BROKER_URL": "amqp://listings:hard-to-guess@rabbitmq//",
    "DATABASE_URL": "postgres://listings:hard-to-guess@db/listings",
}

GUESSABLE = (
    *(
        "aaaaaaaaaaaa",
        "1234567890123",
        "microstore123",
        "microstoremicrostore",
        "postgrespostgres",
        "qwertyuiopasdf",
    ),
    *("passwordpassword", "password12345", "changemechangeme", "abcabcabcabcabc", "Listings2026!"),
)
PATTERNS = (
    *("00112233445566778899aabbccddeeff", "fedcba98765432100123456789abcdef", "deadbeefcafebabe" * 2),
    *("12345678" * 4, "0123456789abcdef" * 2, "your-secret-key-goes-here-32-characters"),
    *(
        "change-me-to-a-long-random-string",
        "REPLACE_ME_WITH_32_RANDOM_CHARACTERS",
        "abcdefghijklmnopqrstuvwxyz0123456789",
    ),
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 64),
        ("SECRET_KEY", "development-only-0123456789abcdefghijklmnop"),
        ("ALLOWED_HOSTS", ["shop.example", "*"]),
        ("ALLOWED_HOSTS", []),
        *(("ALLOWED_HOSTS", [name]) for name in (".com", ".co.uk", ".github.io", "*.shop.example")),
        ("CSRF_TRUSTED_ORIGINS", ["https://shop.example", "https://*.com"]),
        ("SECRET_KEY", "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz"),
        ("STAFF_KEY", "x"),
        ("FEES_SIGNING_KEY", "short"),
        ("FLOWER_BASIC_AUTH", "a:b"),
        ("FLOWER_BASIC_AUTH", "hard-to-guess:hard-to-guess"),
        ("BROKER_URL", "amqp://listings:microstore@rabbitmq//"),
        ("BROKER_URL", "amqp://listings:listings@rabbitmq//"),
        ("DATABASE_URL", "postgres://postgres:postgres@db/listings"),
        ("DATABASE_URL", "postgres://listings@db/listings"),
        ("DATABASE_URL", "postgres://listings-of-shop:listings-of-shop@db/listings"),
        ("SIMPLE_JWT", {"VERIFYING_KEY": make_key_pair(1024)[1]}),
        ("SIMPLE_JWT", {"SIGNING_KEY": make_key_pair(1024)[0]}),
        ("SIMPLE_JWT", {"SIGNING_KEY": PRIVATE, "VERIFYING_KEY": make_key_pair()[1]}),
        ("SIMPLE_JWT", {"SIGNING_KEY": "private", "VERIFYING_KEY": PUBLIC}),
        ("SIMPLE_JWT", {"VERIFYING_KEY": "public"}),
        ("BROKER_URL", "amqp://guest:guest@rabbitmq//"),
        ("BROKER_URL", "amqp://rabbitmq//"),
        ("BROKER_URL", "amqp://listings:hard-to-guess@rabbit1//;amqp://guest:guest@rabbit2//"),
        ("BROKER_URL", "amqp://listings:Password@rabbitmq//"),
        ("DATABASE_URL", "postgres://app:changeme@db/listings"),
        *(("DATABASE_URL", f"postgres://app:{password}@db/listings") for password in GUESSABLE),
        ("DATABASE_URL", "postgres:///x?host=db&user=postgres&password=postgres"),
        ("DATABASE_URL", "postgres:///x?host=db&user=postgres"),
        ("DATABASE_URL", "postgres://app@/x?hostaddr=192.0.2.7"),
        ("FLOWER_BASIC_AUTH", "operator:operator1234"),
        ("BROKER_URL", "redis://:passwordpassword@redis/0"),
        ("CHANNEL_LAYER_URL", "redis://:microstore@redis/0"),
        ("LIMITS_URL", "redis://redis/0?password=password12345"),
        ("AUDITED_DATABASES", {"transactions": "postgres://reader:microstore_reader@db/transactions"}),
        *(("SECRET_KEY", key) for key in PATTERNS),
        *(("FEES_SIGNING_KEY", f"{key},9c1f04be7ad25380f6e21b7c94d8a053") for key in ("x", "", *PATTERNS)),
        ("PAYOUTS_SIGNING_KEY", "12345678" * 4),
    ],
)
def test_a_default_is_refused_by_its_name(name: str, value: object) -> None:
    assert list(find_unsafe_settings(GOOD)) == []
    [told] = find_unsafe_settings(GOOD | {name: value})
    assert told.startswith(
        {"SIMPLE_JWT": "JWT_", "AUDITED_DATABASES": "TRANSACTIONS_DATABASE_URL"}.get(name, name)
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgres:///listings"),  # by a socket file
        ("BROKER_URL", "redis://127.0.0.1/0"),
        ("BROKER_URL", "amqp://listings:hard-to-guess@rabbit1//;amqp://listings:hard-to-guess@rabbit2//"),
        (
            "DATABASE_URL",
            "postgres://app:hard-to-guess@db1:5432,db2:5432/listings?target_session_attrs=read-write",
        ),
        ("DATABASE_URL", "postgres:///listings?host=/run/postgresql"),
        ("DATABASE_URL", "postgres://%2Frun%2Fpostgresql/listings"),
        ("CHANNEL_LAYER_URL", "redis://redis/0"),  # by a network that is its own
        ("CHANNEL_LAYER_URL", "redis://:hard-to-guess@redis/0"),
        ("AUDITED_DATABASES", {"listings": GOOD["DATABASE_URL"], "transactions": ""}),
        ("FEES_SIGNING_KEY", "9c1f04be7ad25380f6e21b7c94d8a053, 7be0a1d95c3f428646fd0e8cb1927a35"),
        ("STAFF_KEY", ""),
    ],
)
def test_what_nobody_can_guess_is_no_default(name: str, value: object) -> None:
    assert list(find_unsafe_settings(GOOD | {name: value})) == []


def test_random_secrets_are_never_refused() -> None:
    for _ in range(5):
        for key in (
            *(secrets.token_hex(16), secrets.token_hex(32)),
            *(secrets.token_urlsafe(64), get_random_secret_key()),
        ):
            keys = {"SECRET_KEY": key, "STAFF_KEY": key}
            database = {"DATABASE_URL": f"postgres://listings:{secrets.token_urlsafe(16)}@db/listings"}
            assert list(find_unsafe_settings(GOOD | keys | database)) == []


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
    for cookie in (answer.cookies[f"__Host-{SERVICE}_session"], answer.cookies[f"__Host-{SERVICE}_csrf"]):
        assert (cookie["secure"], cookie["samesite"]) == (True, "Lax")
    assert answer.cookies[f"__Host-{SERVICE}_session"]["httponly"]


@pytest.mark.django_db
def test_who_logs_in_here_is_not_logged_out_of_the_other_service_on_the_same_host(client: Client) -> None:
    User.objects.create_superuser("carol", password="crunchy armchair")
    log_in(client, "crunchy armchair")
    password = {"password1": "a lighthouse in fog", "password2": "a lighthouse in fog"}
    added = client.post("/admin/auth/user/add/", {"username": "dora", "usable_password": "true"} | password)
    assert added.status_code == 302  # and the next page has a message
    assert [name for name in client.cookies if not name.startswith(f"__Host-{SERVICE}_")] == []


NOWHERE = ("/nowhere", "/nowhere/", "/media/nowhere.jpg", "/health/nowhere")


@pytest.mark.django_db
@pytest.mark.parametrize("path", NOWHERE)
def test_a_browser_that_is_lost_is_told_so_on_a_page(client: Client, path: str) -> None:
    page = client.get(path, headers={"Accept": FIREFOX})
    assert (page.status_code, page["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert f"There is nothing at {path}." in page.content.decode()
    assert "<script>" not in page.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "accept"),
    [("/api/nowhere/", FIREFOX), ("/nowhere", "*/*"), ("/nowhere", "application/json"), ("/nowhere", "")],
)
def test_programs_and_whoever_asks_the_api_are_told_so_by_a_problem(
    client: Client, path: str, accept: str
) -> None:
    read_problem(client.get(path, headers={"Accept": accept}), 404)


@pytest.mark.django_db
def test_of_a_form_that_is_too_large_nothing_is_read(client: Client) -> None:
    form = FakePayload(b"--x")
    told: dict[str, Any] = {"CONTENT_LENGTH": str(6 * 1024**2), "wsgi.input": form}
    kind = "multipart/form-data; boundary=x"
    page = client.post("/admin/login/", content_type=kind, headers={"Accept": FIREFOX}, **told)
    assert page.status_code == 413
    assert "The request body is too large." in page.content.decode()
    assert form.read() == b"--x"


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
    for number in range(login_guard.FAILURES_OF_NETWORK):
        client.post("/admin/login/", {"username": f"somebody-{number}", "password": "guess"})
    User.objects.create_superuser("carol", password="crunchy")
    assert log_in(client, "crunchy") == 429


@pytest.mark.django_db
def test_a_forged_address_does_not_open_the_door(client: Client) -> None:
    for number in range(login_guard.FAILURES_OF_ONE):
        log_in(client, "wrong", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")
    assert log_in(client, "wrong", HTTP_X_FORWARDED_FOR="192.0.2.99") == 429
