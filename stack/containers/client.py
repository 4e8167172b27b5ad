"""A buyer and a seller at the gateway, and the live feed that both see."""

import io
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from PIL import Image
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from stack.failure import CannotRun
from stack.waiting import wait_until

SETTLES_WITHIN_SECONDS = 180  # all processes start again meanwhile; measured 60 with a load of 28
ANSWERS_WITHIN_SECONDS = 60  # a password's hash took more than 10 with a load of 25
ARMCHAIR = {"title": "Crunchy armchair", "price_cents": 2500, "currency": "EUR", "quantity": 1000}


class Market:
    """Two people who have registered at the gateway, and what one of them sells."""

    def __init__(self, address: str) -> None:
        self.address = address

    def open(self) -> None:
        """Register both and put something up for sale."""
        self._seller, self._buyer = self._register(), self._register()
        self.listing_id = self._send(self._seller, "POST", "/api/listings/", json=ARMCHAIR)["id"]

    def buy(self) -> None:
        """Buy one and see it settle, and come over the feed; what is refused meanwhile is sent again."""
        key = {"Idempotency-Key": secrets.token_hex(8)}
        path = f"/api/listings/{self.listing_id}/buy/"
        accepted: dict[str, Any] = {}
        problems: list[object] = []

        def is_completed() -> bool:
            try:
                # What restarts refuses for a moment. With its key a request that is repeated is one purchase.
                if not accepted:
                    accepted.update(self._send(self._buyer, "POST", path, headers=key, json={}))
                order = self._send(self._buyer, "GET", accepted["status_url"])
            except CannotRun as problem:
                problems.append(problem)
                return False
            return bool(order["status"] == "completed" and order["fee_cents"])

        if not wait_until(is_completed, timeout_seconds=SETTLES_WITHIN_SECONDS):
            raise CannotRun(f"A purchase does not settle: {accepted}, {problems[-1:]}")

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Buy within the block, and see the sale on the public feed before it is left."""
        with self._feed() as feed:
            yield
            try:
                while not any(self._is_sale(event) for event in _unpack(feed.recv(SETTLES_WITHIN_SECONDS))):
                    pass
            except (TimeoutError, WebSocketException) as problem:
                raise CannotRun(f"The sale did not come over the feed: {problem!r}") from problem

    def show_a_picture(self) -> None:
        """Upload one and read it back where browsers do, from the gateway's volume."""
        picture = io.BytesIO()
        Image.new("RGB", (64, 64), "orange").save(picture, "PNG")
        images = f"/api/listings/{self.listing_id}/images/"
        added = self._send(self._seller, "POST", images, files={"image": ("a.png", picture.getvalue())})
        url = next(value for name, value in added.items() if isinstance(value, str) and "/media/" in value)
        shown = requests.get(requests.compat.urljoin(self.address, url), timeout=10)
        if shown.headers.get("Content-Type") != "image/jpeg":
            raise CannotRun(f"{url} answered {shown.status_code}")

    def _register(self) -> requests.Session:
        session = requests.Session()
        name, password = f"buyer-{secrets.token_hex(4)}", secrets.token_urlsafe(16)
        account = {"username": name, "password": password}
        self._send(session, "POST", "/api/auth/register/", json={**account, "email": f"{name}@shop.example"})
        token = self._send(session, "POST", "/api/auth/token/", json=account)["access"]
        session.headers["Authorization"] = f"Bearer {token}"
        return session

    def _send(self, session: requests.Session, method: str, path: str, **what: Any) -> dict[str, Any]:
        url = requests.compat.urljoin(self.address, path)
        try:
            response = session.request(method, url, timeout=ANSWERS_WITHIN_SECONDS, **what)
        except requests.RequestException as problem:
            raise CannotRun(f"{method} {path} was not answered: {problem!r}") from problem
        if not response.ok:
            raise CannotRun(f"{method} {path} answered {response.status_code}: {response.text[:500]}")
        return dict(response.json())

    @contextmanager
    def _feed(self) -> Iterator[ClientConnection]:
        with connect(f"{self.address.replace('http', 'ws', 1)}/ws/listings/", open_timeout=10) as feed:
            yield feed

    def _is_sale(self, event: dict[str, Any]) -> bool:
        return bool(event["type"] == "item_sold" and event["listing_id"] == self.listing_id)


def _unpack(frame: str | bytes) -> list[dict[str, Any]]:
    event = json.loads(frame)
    return list(event["events"]) if event["type"] == "batch" else [event]
