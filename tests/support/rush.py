"""People who buy while something breaks, and the check that nothing was lost or done twice."""

import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle

import requests

from stack.waiting import wait_until
from tests.support.feed import Browser
from tests.support.market import Market, Person

BUYERS = 6
PAUSE_SECONDS = 0.02
GIVE_UP_SECONDS = 120  # of a buyer; long for a busy machine, where the API takes its time to come back
SEEN_WITHIN_SECONDS = 30
REPORT: dict[str, "Outcome"] = {}


@dataclass
class Outcome:
    """The effect of a fault on the purchases made during it; a line of docs/reliability.md."""

    purchases: int = 0
    lost: int = 0
    doubled: int = 0
    slowest_seconds: float | None = 0  # from the accepted click to the end of the purchase, by the database
    errors: Counter[str] = field(default_factory=Counter)


class Rush:
    """Buyers who send a purchase again with the same idempotency key until it is accepted."""

    def __init__(self, market: Market, *, buyers: int) -> None:
        self.market = market
        seller, *self.buyers = market.add_people(1 + buyers)
        self.stock = 1_000_000
        self.listings = [seller.sell(f"Crunchy armchair {n}", quantity=self.stock) for n in range(4)]
        # A buyer without an answer goes on to the next address, as a load balancer does.
        addresses = [market.listings_url, *market.more_listings_urls]
        self.next_address = dict(zip(addresses, [*addresses[1:], addresses[0]], strict=True))
        for buyer, address in zip(self.buyers, cycle(addresses), strict=False):
            buyer.url = address
        self.accepted: dict[str, int] = {}
        self.errors: Counter[str] = Counter()
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._shop, args=[buyer]) for buyer in self.buyers]
        # One that stays, and one that goes and comes back all the time.
        self.browsers = [Browser(market), Browser(market, leaves_after_seconds=1.5)]

    def start(self) -> None:
        """Connect the browsers, then start the buyers."""
        for browser in self.browsers:
            assert browser.connected.wait(30)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop buying, once every request under way has its answer."""
        self._closing.set()
        for thread in self._threads:
            thread.join(90)
            assert not thread.is_alive(), "a buyer still waits for an answer"

    def close(self) -> None:
        for browser in self.browsers:
            browser.leave()  # all of them, before the first one is awaited
        for browser in self.browsers:
            browser.close()

    @property
    def is_open(self) -> bool:
        """Whether buyers still buy."""
        return not self._closing.is_set()

    def wait_for_purchases(self, count: int) -> None:
        """Wait until `count` more purchases have been accepted."""
        target = len(self.accepted) + count
        done = wait_until(lambda: len(self.accepted) >= target, timeout_seconds=GIVE_UP_SECONDS)
        assert done, dict(self.errors)

    def wait_seen(self, count: int) -> bool:
        """Wait until every browser has received `count` more sales."""
        targets = [(browser, len(browser.seen) + count) for browser in self.browsers]
        return wait_until(
            lambda: all(len(browser.seen) >= target for browser, target in targets),
            timeout_seconds=SEEN_WITHIN_SECONDS,
        )

    def check(self, *, timeout_seconds: float = 120) -> Outcome:
        """Wait until all is settled; each 202 must be one completed order, one transaction, one event."""
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
            + sum(times - 1 for browser in self.browsers for times in browser.seen.values()),
            slowest_seconds=self._slowest_seconds(),
            errors=self.errors,
        )

    def _unsettled(self) -> set[str]:
        """Orders that were accepted and are not completed."""
        sql = "SELECT id::text FROM listings_order WHERE id = ANY(%s::uuid[]) AND status = 'completed'"
        return set(self.accepted) - {order for (order,) in self.market.listings(sql, list(self.accepted))}

    def _unseen(self) -> set[str]:
        """Sales that one of the browsers has not received."""
        return {
            order for order in self.accepted if not all(order in browser.seen for browser in self.browsers)
        }

    def _sold_beyond(self, listing: int) -> int:
        """Return the pieces that left the stock without an order; below 0, those that did not leave."""
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
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < give_up_at:
            try:
                response = buyer.buy(listing, headers={"Idempotency-Key": key})
            except requests.RequestException as error:
                self.errors[root_of(error)] += 1
                buyer.url = self.next_address[buyer.url]
            else:
                if response.status_code == 202:
                    self.accepted[response.json()["id"]] = listing
                    return
                self.errors[str(response.status_code)] += 1
            time.sleep(0.1)
        raise AssertionError(f"no answer in time: {dict(self.errors)}")


def root_of(error: BaseException) -> str:
    """Return the type of an error's cause: ConnectionRefusedError, RemoteDisconnected, ReadTimeout …"""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return type(error).__name__


@contextmanager
def rush(market: Market, fault: str, *, buyers: int = BUYERS, times_are_right: bool = True) -> Iterator[Rush]:
    """Buy during the block, and check all purchases after it."""
    hour = Rush(market, buyers=buyers)
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
        if not times_are_right:
            outcome.slowest_seconds = None
        assert (outcome.lost, outcome.doubled) == (0, 0), outcome
    finally:
        hour.close()
