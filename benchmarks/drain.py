"""How soon queued orders are worked off, counted from the start of the processes."""

import time

from benchmarks.figures import Figures, medians
from benchmarks.result import Result
from benchmarks.scale import Scale
from benchmarks.shop import Shop
from benchmarks.trial import CLIENTS, order

ACCEPTING = ("listings-api", "listings-relay")
SETTLED = """
SELECT extract(epoch FROM min(settled_at)), extract(epoch FROM max(settled_at)) FROM listings_order
WHERE created_at > to_timestamp(%s)
"""


def measure(shop: Shop, scale: Scale) -> Result:
    """Orders are accepted and published while nobody consumes; then every process is started at once."""
    runs = [_run(shop, count) for count in scale.queued]
    figures: Figures = {}
    for count in dict.fromkeys(scale.queued):
        said = medians(run for run in runs if run["queued"] == count)
        figures |= {
            f"{count:,} queued: orders/s from process start": count / said["last_s"],
            f"{count:,} queued: events/min": 2 * 60 * count / said["last_s"],
            f"{count:,} queued: CPU ms per order, start of the processes included": said["cpu_ms"],
        }
    figures["cores used by strangers"] = medians(runs)["foreign_cores"]
    return Result(figures, tables={"Runs": runs})


def _run(shop: Shop, count: int) -> Figures:
    began_at = time.time()
    accepted_per_s = _fill(shop, count)
    meter, started_at = shop.meter(), time.time()
    shop.stack.start_all()
    shop.wait_settled()
    used = meter.read()
    first_at, last_at = map(float, shop.ask("listings", SETTLED, began_at)[0])
    shop.stack.wait_all_ready()
    shop.stack.stop_all()
    return {
        "queued": count,
        "accepted_per_s": accepted_per_s,
        "first_s": first_at - started_at,
        "last_s": last_at - started_at,
        "per_s_after_the_first": count / (last_at - first_at),
        "cpu_ms": used.milliseconds_per(count)["all"],
        "foreign_cores": used.foreign_cores,
    }


def _fill(shop: Shop, count: int) -> float:
    """Have so many orders in the queue and nobody who takes them; returns the rate of acceptance."""
    for name in ACCEPTING:
        shop.stack.start(name)
    for name in ACCEPTING:
        shop.stack.wait_ready(name)
    trial = order(shop, shop.make_requests(count), clients=CLIENTS)
    shop.wait_published()
    for name in ACCEPTING:
        shop.stack.stop(name)
    shop.tidy()
    return trial.figures()["buys_per_s"]
