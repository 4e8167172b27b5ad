"""Time for a sale to reach the last of many browsers, and the cost of each browser."""

from pathlib import Path

from benchmarks.feed import Feed
from benchmarks.figures import Figures
from benchmarks.result import Result
from benchmarks.scale import Scale
from benchmarks.shop import Shop
from benchmarks.trial import MANY_CLIENTS, buy, order
from stack.processes.process_table import family_of

SALES_PER_SECOND = 200


def measure(shop: Shop, scale: Scale) -> Result:
    """Make the same sales with rising numbers of browsers on the live feed."""
    shop.open()
    buy(shop, shop.make_requests(scale.warm_up))
    rows = [_run(shop, count, scale) for count in scale.feeds]
    most = rows[-1]
    return Result(
        figures={
            f"{most['browsers']:,.0f} browsers, {SALES_PER_SECOND} sales/s: sales that one did not see": most[
                "unseen"
            ],
            f"{most['browsers']:,.0f} browsers: 202 to the last one, p99 ms": most["to the last, p99 ms"],
            "memory per connection, KiB": most["KiB per connection"],
        },
        tables={"By number of browsers": rows},
    )


def _run(shop: Shop, count: int, scale: Scale) -> Figures:
    """Make sales at a fixed rate; each must arrive at every browser."""
    # Memory before and after the browsers connect, and before any sale: the cost of an idle connection.
    before_kib = _memory_kib(shop)
    feeds = [Feed(shop.copies[0].ports["LIVE_PORT"]) for _ in range(count)]
    try:
        requests = shop.make_requests(SALES_PER_SECOND * scale.rate_seconds)
        connected_kib = _memory_kib(shop) - before_kib
        trial = order(shop, requests, rate=SALES_PER_SECOND, clients=MANY_CLIENTS, feeds=feeds)
    finally:
        for feed in feeds:
            feed.close()
    figures = trial.figures()
    live_ms = trial.milliseconds_each()["listings-live"]
    return {
        "browsers": count,
        "unseen": figures["unseen"],
        "to the last, p50 ms": figures["event_p50_ms"],
        "to the last, p99 ms": figures["event_p99_ms"],
        "CPU ms of listings-live per sale": live_ms,
        "the same per sale and browser, µs": live_ms * 1000 / count,
        "KiB per connection": connected_kib / count,
        "cores used by the load generator": figures["load_generator_cores"],
        "cores used by other programs": figures["foreign_cores"],
    }


def _memory_kib(shop: Shop) -> float:
    """Return the resident memory of the WebSocket server and its children."""
    return sum(_resident_kib(pid) for pid in family_of(shop.stack.pid("listings-live") or 0))


def _resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)
