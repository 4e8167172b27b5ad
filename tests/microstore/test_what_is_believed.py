"""What another process says is believed no further than it was checked."""

import time
from typing import Any

import pytest
from django.conf import settings
from django.core import signing
from django.test import Client

from microstore.auth.authentication import TokenAuthentication
from microstore.refusal import TokenExpired
from microstore.staff import peers
from microstore.staff.overview import Found
from microstore.staff.trace import Trace
from tests.support.tokens import claims_of, sign

KEY = "a key that only services have: 0123456789"
SECRET = Found("log line", None, "a line with a secret", permission="staff.view_logs")


@pytest.mark.django_db
def test_a_service_that_claims_every_right_gets_what_its_roles_may_see(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.STAFF_KEY = KEY
    monkeypatch.setattr(peers, "find_here", lambda terms: Trace([SECRET, Found("order", None, "an order")]))
    claim = {"terms": ["5" * 32], "name": "mallory", "roles": [], "everything": True}
    question = signing.dumps(claim, key=KEY, salt=peers.SALT)
    answer = client.post("/staff/trace", {"question": question}).json()
    assert [row["text"] for row in answer["found"]] == ["an order"]
    assert answer["hidden"] == 1


@pytest.mark.parametrize("changed", [{"iat": 9}, {"iat": 3_600}, {"exp": -5}])
def test_a_token_is_good_on_a_machine_whose_clock_differs(changed: dict[str, int]) -> None:
    """Where the clock is behind, everybody who has just logged in comes from the future."""
    assert read_token(changed)["user_id"] == "7"


def test_a_token_that_has_expired_is_refused() -> None:
    with pytest.raises(TokenExpired):
        read_token({"exp": -60})


def read_token(times: dict[str, int]) -> Any:
    claims = {name: int(time.time()) + seconds for name, seconds in times.items()}
    return TokenAuthentication().get_validated_token(sign(claims_of(7, **claims)).encode())


def test_without_a_proxy_nobody_says_that_https_was_spoken() -> None:
    assert settings.PROXIES == 0
    assert settings.SECURE_PROXY_SSL_HEADER is None


@pytest.mark.django_db
def test_no_page_may_use_a_camera_or_know_where_it_is_shown(client: Client) -> None:
    for url in ("/health/live", "/admin/login/", "/api/schema/", "/nowhere"):
        policy = client.get(url).headers["Permissions-Policy"]
        assert {"camera=()", "geolocation=()", "microphone=()"} <= set(policy.split(", "))


@pytest.mark.django_db
@pytest.mark.parametrize("accept", ["text/html; b*=x'y'z", "text/html; b*=idna'x'%ff"])
def test_a_header_that_cannot_be_read_counts_as_none(client: Client, accept: str) -> None:
    assert client.put("/health/live", headers={"Accept": accept}).status_code == 405
    assert client.get("/nothing/", headers={"Accept": accept}).status_code == 404
