"""One demonstration purchase over the public interface, timed from the click to the live update."""

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin

import requests
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from stack.failure import CannotRun
from stack.waiting import wait_until

SETTLES_WITHIN_SECONDS = 30
PASSWORD = "microstore"  # noqa: S105 - the seeded demo users', and printed for the reader
PRICE_CENTS, CURRENCY = 2500, "EUR"
ARMCHAIR = {"title": "Crunchy armchair", "price_cents": PRICE_CENTS, "currency": CURRENCY}


@dataclass(frozen=True)
class Purchase:
    """The outcome of the demonstration purchase."""

    order_id: str
    trace_id: str
    status: str
    price_cents: int
    fee_cents: int
    currency: str
    milliseconds: int


def buy_one_armchair(*, listings_url: str, live_url: str) -> Purchase:
    """Sell one armchair of alice's to bob; raise CannotRun with what went wrong."""
    try:
        return _buy(listings_url=listings_url, live_url=live_url)
    except (requests.RequestException, WebSocketException, OSError) as problem:
        raise CannotRun(f"The demonstration purchase failed: {problem}") from problem


def _buy(*, listings_url: str, live_url: str) -> Purchase:
    alice, bob = _Shopper(listings_url, "alice"), _Shopper(listings_url, "bob")
    listing = _offer_armchair(alice)
    with connect(f"{live_url}/ws/listings/", open_timeout=10) as feed:
        clicked_at = time.monotonic()
        order = bob.send("POST", f"/api/listings/{listing['id']}/buy/", json={})
        _await_sale(feed, listing_id=listing["id"])
        milliseconds = round((time.monotonic() - clicked_at) * 1000)
    settled = bob.await_settled(order["status_url"])
    return Purchase(
        order_id=order["id"],
        trace_id=order["trace_id"],
        status=settled["status"],
        price_cents=PRICE_CENTS,
        fee_cents=settled["fee_cents"],
        currency=CURRENCY,
        milliseconds=milliseconds,
    )


def _offer_armchair(alice: "_Shopper") -> dict[str, Any]:
    # That of an earlier start, restocked: a shop that is started often would fill with armchairs.
    wanted = {"search": ARMCHAIR["title"], "currency": CURRENCY, "ordering": "cheapest"}
    price = {"min_price_cents": PRICE_CENTS, "max_price_cents": PRICE_CENTS}
    found = alice.send("GET", f"/api/listings/?{urlencode(wanted | price)}")["results"]
    if not (own := [listing for listing in found if listing["seller"] == alice.name]):
        return alice.send("POST", "/api/listings/", json=ARMCHAIR)
    path = f"/api/listings/{own[0]['id']}/"
    restocked = {"quantity": own[0]["quantity"] + 1}
    listing = own[0] if own[0]["available"] else alice.send("PATCH", path, json=restocked)
    return listing if listing["status"] == "on_sale" else alice.send("POST", f"{path}publish/")


class _Shopper:
    """A seeded user at the listings service."""

    def __init__(self, listings_url: str, name: str) -> None:
        self._url = listings_url
        self.name = name
        self._session = requests.Session()
        token = self.send("POST", "/api/auth/token/", json={"username": name, "password": PASSWORD})
        self._session.headers["Authorization"] = f"Bearer {token['access']}"
        self._session.headers["If-Match"] = "*"  # nobody else edits what is demonstrated

    def send(self, method: str, path: str, *, json: object = None) -> dict[str, Any]:
        response = self._session.request(method, urljoin(self._url, path), json=json, timeout=10)
        if not response.ok:
            raise CannotRun(f"{method} {path} answered {response.status_code}: {response.text[:500]}")
        return dict(response.json())

    def await_settled(self, status_url: str) -> dict[str, Any]:
        """Ask for the order until it is no longer pending."""
        order: dict[str, Any] = {}

        def is_settled() -> bool:
            order.update(self.send("GET", status_url))
            return bool(order["status"] != "pending")

        wait_until(is_settled, timeout_seconds=SETTLES_WITHIN_SECONDS)
        if order["status"] != "completed":
            raise CannotRun(f"The demonstration's order {order['id']} is {order['status']}, not completed")
        return order


def _await_sale(feed: ClientConnection, *, listing_id: object) -> None:
    give_up_at = time.monotonic() + SETTLES_WITHIN_SECONDS
    while time.monotonic() < give_up_at:
        try:
            frame = feed.recv(timeout=give_up_at - time.monotonic())
        except TimeoutError:
            break
        if any(_is_sale(event, listing_id) for event in _unpack(json.loads(frame))):
            return
    waited = f"{SETTLES_WITHIN_SECONDS} s"
    raise CannotRun(f"No item_sold for listing {listing_id} came over the WebSocket in {waited}")


def _is_sale(event: dict[str, Any], listing_id: object) -> bool:
    return bool(event["type"] == "item_sold" and event["listing_id"] == listing_id)


def _unpack(frame: dict[str, Any]) -> list[dict[str, Any]]:
    return list(frame["events"]) if frame["type"] == "batch" else [frame]
