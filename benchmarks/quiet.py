"""Latency of a single buyer, and the CPU time of an idle shop."""

import time

from benchmarks.result import Result
from benchmarks.scale import Scale
from benchmarks.shop import Shop
from benchmarks.trial import buy

PER_SECOND = 5
IDLE_SECONDS = 10


def measure(shop: Shop, scale: Scale) -> Result:
    """Make one purchase at a time, 0.2 s apart; then none."""
    shop.open()
    buy(shop, shop.make_requests(scale.quiet_purchases))
    trial = buy(shop, shop.make_requests(scale.quiet_purchases), rate=PER_SECOND, clients=1)
    figures = trial.figures()
    meter = shop.meter()
    # The length of the sample, not a wait for a state.
    time.sleep(IDLE_SECONDS)
    idle = meter.read()
    return Result(
        figures={
            "202 to WebSocket, p50 ms": figures["event_p50_ms"],
            "202 to WebSocket, p99 ms": figures["event_p99_ms"],
            "buy answered, p50 ms": figures["http_p50_ms"],
            "cores used by an idle shop": sum(idle.ours.values()) / idle.elapsed_seconds,
            "cores used by other programs": figures["foreign_cores"],
        }
    )
