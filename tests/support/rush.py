"""People who buy while something breaks, and the proof that nothing was lost or done twice."""

import json
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from stack.waiting import wait_until
from tests.support.market import Market, Person

BUYERS = 6
PAUSE_SECONDS = 0.02
SEEN_WITHIN_SECONDS = 30
REPORT: dict[str, "Outcome"] = {}


@dataclass
class Outcome:
    """What a fault did to the purchases made during it; a line of docs/reliability.md."""

    purchases: int = 0
    lost: int = 0
    doubled: int = 0
    slowest_seconds: float = 0  # from the click that was accepted to the end of the purchase
    errors: Counter[str] = field(default_factory=Counter)


class SteadyBrowser:
    """A browser that stays: it connects again when it is cut off, and resumes after what it last saw."""

    def __init__(self, market: Market) -> None:
        self.url = f"{market.live_url}/ws/listings/"
        self.seen: Counter[str] = Counter()
        self.connected = threading.Event()
        self._last_seq: int | None = None
        self._seqs: set[int] = set()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._stay, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Go home."""
        self._closing.set()
        self._thread.join(30)

    def _stay(self) -> None:
        while not self._closing.is_set():
            try:
                self._listen()
            except (OSError, WebSocketException, TimeoutError):
                self._closing.wait(0.2)

    def _listen(self) -> None:
        resume = "" if self._last_seq is None else f"?after={self._last_seq}"
        with connect(self.url + resume, open_timeout=5, ping_interval=2, ping_timeout=10) as connection:
            self.connected.set()
            while not self._closing.is_set():
                try:
                    frame = json.loads(connection.recv(timeout=0.5))
                except TimeoutError:
                    continue
                for event in frame["events"] if frame["type"] == "batch" else [frame]:
                    self._see(event)

    def _see(self, event: dict[str, object]) -> None:
        seq = int(str(event["seq"]))
        if seq not in self._seqs:
            self._seqs.add(seq)
            self._last_seq = max(self._last_seq or 0, seq)
            self.seen[str(event["order_id"])] += 1


class Rush:
    """Buyers who click again with the same key when they get no answer."""

    def __init__(self, market: Market, *, buyers: int = BUYERS) -> None:
        self.market = market
        seller, *self.buyers = market.add_people(1 + buyers)
        self.stock = 1_000_000
        self.listings = [seller.sell(f"Crunchy armchair {n}", quantity=self.stock) for n in range(4)]
        self.accepted: dict[str, int] = {}
        self.errors: Counter[str] = Counter()
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._shop, args=[buyer]) for buyer in self.buyers]
        self.browser = SteadyBrowser(market)

    def start(self) -> None:
        """Open the doors."""
        assert self.browser.connected.wait(30)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Close the doors; every click under way gets its answer."""
        self._closing.set()
        for thread in self._threads:
            thread.join(90)
            assert not thread.is_alive(), "a buyer still waits for an answer"

    @property
    def is_open(self) -> bool:
        """Whether buyers still come."""
        return not self._closing.is_set()

    def wait_for_purchases(self, count: int) -> None:
        """Go on once so many more have been accepted."""
        target = len(self.accepted) + count
        assert wait_until(lambda: len(self.accepted) >= target, timeout_seconds=60), dict(self.errors)

    def check(self, *, timeout_seconds: float = 120) -> Outcome:
        """Wait for quiet, and count: each 202 is one completed order, one transaction, one sale seen."""
        wait_until(lambda: not self._unsettled(), timeout_seconds=timeout_seconds)
        wait_until(lambda: not self._unseen(), timeout_seconds=SEEN_WITHIN_SECONDS)
        transactions = self.market.transactions_of(self.accepted)
        oversold = [self._sold_beyond(listing) for listing in self.listings]
        lost = self._unsettled() | self._unseen() | (set(self.accepted) - set(transactions))
        return Outcome(
            purchases=len(self.accepted),
            lost=max(len(lost), -sum(units for units in oversold if units < 0)),
            doubled=len(transactions)
            - len(set(transactions))
            + sum(units for units in oversold if units > 0)
            + sum(times - 1 for times in self.browser.seen.values()),
            slowest_seconds=self._slowest_seconds(),
            errors=self.errors,
        )

    def _unsettled(self) -> set[str]:
        """Orders that were accepted and are not completed."""
        sql = "SELECT id::text FROM listings_order WHERE id = ANY(%s::uuid[]) AND status = 'completed'"
        return set(self.accepted) - {order for (order,) in self.market.listings(sql, list(self.accepted))}

    def _unseen(self) -> set[str]:
        """Sales that the browser was not told of."""
        return set(self.accepted) - set(self.browser.seen)

    def _sold_beyond(self, listing: int) -> int:
        """How many have left the stock that nobody was told they bought; below 0, how many too few have."""
        sold = sum(1 for bought in self.accepted.values() if bought == listing)
        return self.stock - self.market.available(listing) - sold

    def _slowest_seconds(self) -> float:
        slowest = "SELECT max(extract(epoch FROM settled_at - created_at))"
        sql = f"{slowest} FROM listings_order WHERE id = ANY(%s::uuid[])"
        return float(self.market.listings(sql, list(self.accepted))[0][0] or 0)

    def _shop(self, buyer: Person) -> None:
        while not self._closing.is_set():
            self._buy(buyer, random.choice(self.listings), uuid.uuid4().hex)
            time.sleep(PAUSE_SECONDS)

    def _buy(self, buyer: Person, listing: int, key: str) -> None:
        give_up_at = time.monotonic() + 60
        while time.monotonic() < give_up_at:
            try:
                response = buyer.buy(listing, headers={"Idempotency-Key": key})
            except requests.RequestException as error:
                self.errors[root_of(error)] += 1
            else:
                if response.status_code == 202:
                    self.accepted[response.json()["id"]] = listing
                    return
                self.errors[str(response.status_code)] += 1
            time.sleep(0.1)
        raise AssertionError(f"no answer for a minute: {dict(self.errors)}")


def root_of(error: BaseException) -> str:
    """What was behind an error of requests: ConnectionRefusedError, RemoteDisconnected, ReadTimeout …"""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return type(error).__name__


@contextmanager
def rush(market: Market, fault: str) -> Iterator[Rush]:
    """Purchases go on during the block; after it all of them are checked."""
    hour = Rush(market)
    try:
        hour.start()
        try:
            hour.wait_for_purchases(10)
            yield hour
            if hour.is_open:
                hour.wait_for_purchases(10)
        finally:
            hour.stop()
        outcome = REPORT[fault] = hour.check()
        assert (outcome.lost, outcome.doubled) == (0, 0), outcome
    finally:
        hour.browser.close()
