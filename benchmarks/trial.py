"""One trial: purchases, measured until every browser has received the last of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from benchmarks.cpu import LOAD, Usage
from benchmarks.feed import Feed
from benchmarks.figures import Figures, spread
from benchmarks.load import ACCEPTED, Answer, Crowd
from benchmarks.shop import Shop

CLIENTS = 32
MANY_CLIENTS = 256


@dataclass
class Trial:
    """The answers, events and CPU time of some purchases; times are of time.monotonic()."""

    answers: Sequence[Answer]
    seen: Sequence[Mapping[str, float]]  # for each browser: arrival time by order id
    usage: Usage
    wal_bytes: float

    @cached_property
    def accepted(self) -> dict[str, Answer]:
        """Return the answers with status 202, by order id."""
        return {answer.body["id"]: answer for answer in self.answers if answer.status == ACCEPTED}

    @property
    def sold_at(self) -> dict[str, float]:
        """Return when the last browser received each order; without orders that a browser has missed."""
        return {
            order_id: max(seen[order_id] for seen in self.seen)
            for order_id in self.accepted
            if self.seen and all(order_id in seen for seen in self.seen)
        }

    def figures(self) -> Figures:
        """Return counts, rates, latencies (milliseconds) and cores of this trial, by name."""
        accepted, sold_at = self.accepted, self.sold_at
        first_at = min(answer.sent_at for answer in self.answers)
        buying_seconds = max(answer.answered_at for answer in self.answers) - first_at
        settled_seconds = max(sold_at.values(), default=math.inf) - first_at
        # A browser may have the event before its buyer has read the 202: that counts as 0.
        delays = [max(0, at - accepted[order_id].answered_at) for order_id, at in sold_at.items()]
        return {
            "purchases": len(accepted),
            "refused": len(self.answers) - len(accepted),
            "unseen": len(accepted) - len(sold_at),
            "buys_per_s": len(accepted) / buying_seconds,
            "settled_per_s": len(sold_at) / settled_seconds,
            "wal_bytes_each": self.wal_bytes / max(1, len(accepted)),
            **spread((answer.answered_at - answer.due_at for answer in self.answers), prefix="http"),
            **spread(delays, prefix="event"),
            "load_generator_cores": self.usage.seconds[LOAD] / self.usage.elapsed_seconds,
            "foreign_cores": self.usage.foreign_cores,
        }

    def milliseconds_each(self) -> Figures:
        """Return the CPU milliseconds a purchase, by process."""
        return self.usage.milliseconds_per(len(self.accepted))


def buy(shop: Shop, requests: Sequence[bytes], *, rate: float | None = None, clients: int = CLIENTS) -> Trial:
    """Make purchases with a browser on each live server, at a rate or as fast as they are answered."""
    feeds = [Feed(port) for port in shop.ports_of("LIVE_PORT")]
    try:
        trial = order(shop, requests, rate=rate, clients=clients, feeds=feeds)
    finally:
        for feed in feeds:
            feed.close()
    return trial


def order(
    shop: Shop,
    requests: Sequence[bytes],
    *,
    rate: float | None = None,
    clients: int = CLIENTS,
    feeds: Sequence[Feed] = (),
) -> Trial:
    """Make purchases with the given browsers; without any, return once all requests are answered."""
    crowd = Crowd(shop.ports_of("LISTINGS_PORT"), clients, feeds)
    # Both begin after the browsers have connected: connecting is no part of a purchase.
    wal_before, meter = shop.count_wal_bytes(), shop.meter()
    answers = crowd.run(requests, rate=rate)
    usage = meter.read()
    wal_bytes = shop.count_wal_bytes() - wal_before
    return Trial(answers, [feed.sold_at() for feed in feeds], usage, wal_bytes)
