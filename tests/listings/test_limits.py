"""Who asks too often is told to wait; who asks while Redis is away is served."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings
from rest_framework.settings import api_settings
from rest_framework.test import APIClient

from listings.models import Listing, Order
from microstore.http import default_limits, limits
from tests.support.ports import closed_port
from tests.support.problem import read_problem
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db

DOCUMENT = Path(__file__).parents[2] / "docs/reference/limits.md"


@pytest.fixture(autouse=True)
def nothing_counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # On a busy machine Redis answers some request after the tenth of a second that it has.
    monkeypatch.setattr(limits, "ANSWERS_WITHIN_SECONDS", 10)
    limits.current_counter.cache_clear()
    client = redis.Redis.from_url(django_settings.LIMITS_URL)
    for name in client.scan_iter("limit:*"):
        client.delete(name)
    client.close()
    yield
    limits.quotas.cache_clear()
    limits.current_counter.cache_clear()


@pytest.fixture
def limit(settings: Settings) -> Callable[..., None]:
    """Allow so many a period."""

    def set_limits(**quotas: str) -> None:
        settings.LIMITS = quotas
        limits.quotas.cache_clear()

    return set_limits


def test_one_purchase_too_many_is_refused_and_says_when_to_come_back(
    api: APIClient, put_on_sale: Callable[..., Listing], limit: Callable[..., None]
) -> None:
    limit(buy="2/hour")
    url = f"/api/listings/{put_on_sale(quantity=9).pk}/buy/"
    first, second, third = (api.post(url) for _ in range(3))
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.headers["RateLimit-Policy"] == '"buy";q=2;w=3600'
    assert re.fullmatch(r'"buy";r=1;t=(3600|3599)', first.headers["RateLimit"])
    problem = read_problem(third, 429)
    assert "throttled" in problem["detail"]
    assert 3_590 <= int(third.headers["Retry-After"]) <= 3_600
    assert third.headers["RateLimit"].startswith('"buy";r=0;')
    assert Order.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_requests_at_the_same_moment_are_all_counted(
    api: APIClient, put_on_sale: Callable[..., Listing], limit: Callable[..., None]
) -> None:
    limit(buy="5/hour")
    url = f"/api/listings/{put_on_sale(quantity=99).pk}/buy/"
    statuses = run_at_once(8, lambda _: api.post(url).status_code)
    assert sorted(statuses) == 5 * [202] + 3 * [429]


def test_buyers_are_counted_apart(
    alice: User,
    api: APIClient,
    armchair: Listing,
    client_of: Callable[..., APIClient],
    limit: Callable[..., None],
) -> None:
    limit(buy="1/hour")
    url = f"/api/listings/{armchair.pk}/buy/"
    assert [api.post(url).status_code for _ in range(2)] == [202, 429]
    assert client_of(alice).post(url).status_code == 403


@pytest.mark.parametrize(
    ("scope", "url"),
    [
        ("anonymous", "/api/listings/"),
        ("search", "/api/listings/?search=lamp"),
        ("token", "/api/auth/token/"),
    ],
)
def test_strangers_are_counted_by_what_they_ask(
    anybody: APIClient, limit: Callable[..., None], scope: str, url: str
) -> None:
    limit(**{scope: "1/hour"})
    ask = anybody.post if scope == "token" else anybody.get
    assert ask(url).status_code != 429
    read_problem(ask(url), 429)
    assert anybody.get("/api/schema/").status_code != 500


@pytest.mark.parametrize(
    ("scope", "url"),
    [("anonymous", "/api/listings/"), ("search", "/api/listings/?search=lamp"), ("search", "/?search=lamp")],
)
def test_head_is_counted_like_get(
    anybody: APIClient, limit: Callable[..., None], scope: str, url: str
) -> None:
    limit(**{scope: "2/hour"})
    answers = [anybody.head(url), anybody.get(url), anybody.head(url), anybody.get(url)]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]


@pytest.mark.parametrize(
    ("scope", "page"),
    [
        *(("register", "sign-up"), ("token", "log-in"), ("mail", "forgotten")),
        *(("token", page) for page in ("verify", "reset", "unsubscribe")),
    ],
)
def test_a_page_for_strangers_counts_their_network_whoever_has_logged_in(
    client: Client, alice: User, bob: User, limit: Callable[..., None], scope: str, page: str
) -> None:
    """Who signs up is logged in, and would be counted anew each time."""
    limit(**{scope: "1/hour"})
    statuses = []
    for user in (alice, bob):
        client.force_login(user)
        statuses.append(client.post(f"/account/{page}/").status_code)
    assert statuses[0] != 429 == statuses[1]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "same"),
    [
        (0, ("1.2.3.4", "5.6.7.8"), True),
        (1, ("1.2.3.4", "5.6.7.8"), False),
        (1, ("spoofed, 1.2.3.4", "invented, 1.2.3.4"), True),
        (2, ("1.2.3.4, 10.0.0.1", "5.6.7.8, 10.0.0.1"), False),
        (1, ("2001:db8::1", "2001:db8::2"), True),
        (1, ("2001:db8::1", "2001:db8:0:1::1"), False),
        (1, ("::ffff:1.2.3.4", "::ffff:5.6.7.8"), False),
        (1, ("::ffff:1.2.3.4", "1.2.3.4"), True),
        (1, ("1.2.3.4:50000", "1.2.3.4:50001"), True),
        (1, ("[2001:db8::1]:50000", "[2001:db8::2]"), True),
    ],
)
def test_a_stranger_is_known_by_what_the_gateway_saw(
    anybody: APIClient,
    limit: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    proxies: int,
    forwarded: tuple[str, str],
    same: bool,
) -> None:
    limit(anonymous="1/hour")
    monkeypatch.setattr(api_settings, "NUM_PROXIES", proxies)
    statuses = [
        anybody.get("/api/listings/", headers={"X-Forwarded-For": by}).status_code for by in forwarded
    ]
    assert statuses == [200, 429 if same else 200]


def test_while_redis_is_away_the_shop_goes_on_selling(
    api: APIClient, armchair: Listing, limit: Callable[..., None], settings: Settings
) -> None:
    limit(buy="1/hour")
    with closed_port() as port:
        settings.LIMITS_URL = f"redis://127.0.0.1:{port}/0"
        limits.current_counter.cache_clear()
        response = api.post(f"/api/listings/{armchair.pk}/buy/")
    assert response.status_code == 202
    assert "RateLimit" not in response.headers


def test_the_published_table_says_what_is_so() -> None:
    published = dict(re.findall(r"^\| `(\w+)` \| .+ \| (\d+/\w+) \|$", DOCUMENT.read_text(), re.MULTILINE))
    assert published == default_limits.LIMITS
    assert set(published) == set(django_settings.LIMITS)
