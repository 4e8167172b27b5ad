"""One trial: some purchases, made and followed until a browser has seen the last of them."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

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
    sold_at: dict[str, float]
    usage: Usage

    @property
    def accepted(self) -> dict[str, Answer]:
        """The answers of those that bought something, by order id."""
        return {
            json.loads(answer.raw.partition(b"\r\n\r\n")[2])["id"]: answer
            for answer in self.answers
            if answer.status == ACCEPTED
        }

    def figures(self) -> Figures:
        """Everything that can be said of it in numbers."""
        accepted = self.accepted
        seen = {order_id: self.sold_at[order_id] for order_id in accepted if order_id in self.sold_at}
        first_at = min(answer.sent_at for answer in self.answers)
        buying_seconds = max(answer.answered_at for answer in self.answers) - first_at
        return {
            "purchases": len(accepted),
            "refused": len(self.answers) - len(accepted),
            "unseen": len(accepted) - len(seen),
            "buys_per_s": len(accepted) / buying_seconds,
            "settled_per_s": len(seen) / (max(seen.values(), default=float("inf")) - first_at),
            **spread((answer.answered_at - answer.due_at for answer in self.answers), prefix="http"),
            **spread(
                (max(0, at - accepted[order].answered_at) for order, at in seen.items()), prefix="event"
            ),
            "load_generator_cores": self.usage.seconds[LOAD] / self.usage.elapsed_seconds,
            "foreign_cores": self.usage.foreign_cores,
        }

    def statuses(self) -> Counter[int]:
        """How many were answered with what."""
        return Counter(answer.status for answer in self.answers)

    def milliseconds_each(self) -> Figures:
        """CPU milliseconds a purchase, by process."""
        return self.usage.milliseconds_per(len(self.accepted))


def buy(shop: Shop, requests: Sequence[bytes], *, rate: float | None = None, clients: int = CLIENTS) -> Trial:
    """Make these purchases, at a rate or as fast as the clients are answered, with one browser watching."""
    feed = Feed(shop.ports["LIVE_PORT"])
    crowd = Crowd([shop.ports["LISTINGS_PORT"]], clients, [feed])
    meter = shop.meter()
    try:
        answers = crowd.run(requests, rate=rate)
        usage = meter.read()
    finally:
        feed.close()
    return Trial(answers, feed.sold_at(), usage)
