"""One trial: some purchases, made and followed until every browser has seen the last of them."""

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
    """What happened; times are of time.monotonic()."""

    answers: Sequence[Answer]
    seen: Sequence[Mapping[str, float]]  # by each browser: when each order was sold
    usage: Usage
    wal_bytes: float

    @cached_property
    def accepted(self) -> dict[str, Answer]:
        """The answers of those that bought something, by order id."""
        return {answer.said["id"]: answer for answer in self.answers if answer.status == ACCEPTED}

    @property
    def sold_at(self) -> dict[str, float]:
        """When the last browser was told of each order; without those that one was not told of."""
        return {
            order_id: max(seen[order_id] for seen in self.seen)
            for order_id in self.accepted
            if self.seen and all(order_id in seen for seen in self.seen)
        }

    def figures(self) -> Figures:
        """Everything that can be said of it in numbers."""
        accepted, sold_at = self.accepted, self.sold_at
        first_at = min(answer.sent_at for answer in self.answers)
        buying_seconds = max(answer.answered_at for answer in self.answers) - first_at
        settled_seconds = max(sold_at.values(), default=math.inf) - first_at
        told = [max(0, at - accepted[order_id].answered_at) for order_id, at in sold_at.items()]
        return {
            "purchases": len(accepted),
            "refused": len(self.answers) - len(accepted),
            "unseen": len(accepted) - len(sold_at),
            "buys_per_s": len(accepted) / buying_seconds,
            "settled_per_s": len(sold_at) / settled_seconds,
            "wal_bytes_each": self.wal_bytes / max(1, len(accepted)),
            **spread((answer.answered_at - answer.due_at for answer in self.answers), prefix="http"),
            **spread(told, prefix="event"),
            "load_generator_cores": self.usage.seconds[LOAD] / self.usage.elapsed_seconds,
            "foreign_cores": self.usage.foreign_cores,
        }

    def milliseconds_each(self) -> Figures:
        """CPU milliseconds a purchase, by process."""
        return self.usage.milliseconds_per(len(self.accepted))


def buy(shop: Shop, requests: Sequence[bytes], *, rate: float | None = None, clients: int = CLIENTS) -> Trial:
    """Make these purchases, at a rate or as fast as the clients are answered, with browsers watching."""
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
    """The same with these browsers, or none: then nobody waits for the sales."""
    crowd = Crowd(shop.ports_of("LISTINGS_PORT"), clients, feeds)
    wal_before, meter = shop.count_wal_bytes(), shop.meter()
    answers = crowd.run(requests, rate=rate)
    usage = meter.read()
    wal_bytes = shop.count_wal_bytes() - wal_before
    return Trial(answers, [feed.sold_at() for feed in feeds], usage, wal_bytes)
