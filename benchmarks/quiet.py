"""How long a buyer waits when nobody else is there, and what the shop costs when nobody is."""

import time

from benchmarks.result import Result
from benchmarks.scale import Scale
from benchmarks.shop import Shop
from benchmarks.trial import buy

PER_SECOND = 5
IDLE_SECONDS = 10


def measure(shop: Shop, scale: Scale) -> Result:
    """One purchase at a time, a fifth of a second apart; then none at all."""
    shop.open()
    buy(shop, shop.make_requests(scale.quiet_purchases))
    trial = buy(shop, shop.make_requests(scale.quiet_purchases), rate=PER_SECOND, clients=1)
    figures = trial.figures()
    meter = shop.meter()
    time.sleep(IDLE_SECONDS)
    idle = meter.read()
    return Result(
        figures={
            "202 to WebSocket, p50 ms": figures["event_p50_ms"],
            "202 to WebSocket, p99 ms": figures["event_p99_ms"],
            "buy answered, p50 ms": figures["http_p50_ms"],
            "cores used by an idle shop": sum(idle.ours.values()) / idle.elapsed_seconds,
            "cores used by strangers": figures["foreign_cores"],
        }
    )
