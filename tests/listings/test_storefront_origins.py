"""A browser app on an origin of STOREFRONT_ORIGINS may use the API and the sockets; no other may."""

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.core.wsgi import get_wsgi_application
from django.test import Client, RequestFactory
from pytest_django import Settings

from listings.buying.fast_path import FastPath
from listings.models import Listing
from microstore.http import cors
from tests.support.browser import browse
from tests.support.tokens import claims_of, sign

pytestmark = pytest.mark.django_db(transaction=True)  # the fast path may close the connection

STORE, OTHER = "https://store.example", "https://evil.example"
WANTED = "authorization,content-type,idempotency-key,if-match,traceparent,x-trace-id"
READ = {
    *("location", "etag", "retry-after", "ratelimit", "ratelimit-policy"),
    *("idempotent-replayed", "x-trace-id"),
}


@pytest.fixture(autouse=True)
def store(settings: Settings) -> None:
    settings.STOREFRONT_ORIGINS = settings.CORS_ALLOWED_ORIGINS = [STORE]


class Counter:
    """The WSGI application, and whether a request came as far as Django."""

    def __init__(self, bob: User) -> None:
        self.token, self.sent_on = sign(claims_of(bob.pk)), 0
        self.fast_path = FastPath(self._django)
        self._behind = get_wsgi_application()

    def _django(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.sent_on += 1
        return self._behind(environ, start_response)

    def buy(self, listing: Listing, origin: str | None, **headers: str) -> dict[str, str]:
        """Headers of the answer to a purchase, by small name."""
        named = {"Authorization": f"Bearer {self.token}"} | ({"Origin": origin} if origin else {}) | headers
        path = f"/api/listings/{listing.pk}/buy/"
        request = RequestFactory().post(path, "{}", content_type="application/json", headers=named)
        return self.ask(request.environ)

    def ask(self, environ: dict[str, Any]) -> dict[str, str]:
        started: list[Any] = []
        list(self.fast_path(environ, lambda *start: started.extend(start)))
        return {"status": started[0]} | {name.lower(): value for name, value in started[1]}


@pytest.fixture
def counter(bob: User) -> Counter:
    return Counter(bob)


def allows(headers: dict[str, str]) -> tuple[Any, ...]:
    """What a browser reads of an answer."""
    read = {name.strip().lower() for name in headers.get("access-control-expose-headers", "").split(",")}
    return headers.get("access-control-allow-origin"), read - {""}, "origin" in headers["vary"].lower()


def test_the_answer_to_a_purchase_may_be_read_on_both_ways(
    counter: Counter, put_on_sale: Callable[..., Listing]
) -> None:
    listing = put_on_sale(quantity=50)
    for origin in (STORE, OTHER, None, STORE):
        slow = counter.buy(listing, origin)
        counter.buy(listing, origin)
        before = counter.sent_on
        fast = counter.buy(listing, origin)
        assert counter.sent_on == before
        assert fast["status"] == slow["status"] == "202 Accepted"
        allowed = (STORE, READ, True) if origin == STORE else (None, set(), True)
        assert allows(fast) == allows(slow) == allowed


def test_a_refusal_may_be_read_on_both_ways(counter: Counter, put_on_sale: Callable[..., Listing]) -> None:
    sold, gone = put_on_sale(quantity=2), put_on_sale(quantity=1, available=0)
    slow = counter.buy(gone, STORE)
    for _ in range(2):
        counter.buy(sold, STORE)
    before = counter.sent_on
    fast = counter.buy(gone, STORE)
    assert counter.sent_on == before
    assert fast["status"] == slow["status"] == "409 Conflict"
    assert allows(fast) == allows(slow) == (STORE, READ, True)


@pytest.mark.parametrize(
    "path", ["/api/listings/1/buy/", "/api/checkouts/", "/api/listings/1/", "/api/none/"]
)
@pytest.mark.parametrize("is_warm", [False, True])
def test_the_answer_to_a_preflight_is_the_same_everywhere(
    counter: Counter, put_on_sale: Callable[..., Listing], path: str, is_warm: bool
) -> None:
    if is_warm:
        listing = put_on_sale(quantity=5)
        for _ in range(2):
            counter.buy(listing, STORE)
    preflight = {
        "Origin": STORE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": WANTED,
    }
    answer = counter.ask(RequestFactory().options(path, headers=preflight).environ)
    assert answer["status"] == "200 OK"
    assert answer["access-control-allow-origin"] == STORE
    assert set(WANTED.split(",")) <= set(answer["access-control-allow-headers"].split(", "))
    assert {"POST", "PATCH", "DELETE"} <= set(answer["access-control-allow-methods"].split(", "))
    assert "access-control-allow-credentials" not in answer
    assert "access-control-allow-origin" not in counter.ask(
        RequestFactory().options(path, headers=preflight | {"Origin": OTHER}).environ
    )


@pytest.mark.parametrize("status", [401, 404, 400])
def test_an_error_may_be_read(client: Client, armchair: Listing, status: int) -> None:
    paths = {401: "/api/orders/", 404: "/api/listings/999999/", 400: "/api/listings/?seller=x"}
    response = client.get(paths[status], headers={"Origin": STORE})
    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == STORE


@pytest.mark.parametrize("path", ["/", "/cart/", "/admin/login/", "/health/live", "/metrics"])
def test_pages_are_for_our_own_origin(client: Client, path: str) -> None:
    assert "Access-Control-Allow-Origin" not in client.get(path, headers={"Origin": STORE}).headers


@pytest.mark.parametrize("feed", ["/ws/listings/", "/ws/orders/"])
@pytest.mark.parametrize(("origin", "code"), [(STORE, 4400), (OTHER, 4403)])
def test_the_sockets_take_the_same_origins(feed: str, origin: str, code: int) -> None:
    with browse(f"{feed}?after=x", headers=[(b"origin", origin.encode())]) as browser:
        assert browser.receive()["code"] == code


@pytest.mark.parametrize(
    "origin",
    ["*", "store.example", "https://store.example/", "https://*.example", "null", "https://Store.example"],
)
def test_what_no_browser_sends_is_refused_at_the_start(origin: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="STOREFRONT_ORIGINS"):
        cors.ensure_origins([STORE, origin])


def test_origins_may_have_ports_and_numbers() -> None:
    good = ["http://localhost:5173", "https://store.example", "http://[::1]:3000"]
    assert cors.ensure_origins(good) == good
    assert json.dumps(cors.ensure_origins([])) == "[]"
