"""Time to process queued orders, counted from the start of the processes."""

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
    """Accept and publish orders while no worker runs, then start every process at once."""
    runs = [_run(shop, count) for count in scale.queued]
    figures: Figures = {}
    for count in dict.fromkeys(scale.queued):
        run = medians(each for each in runs if each["queued"] == count)
        figures |= {
            f"{count:,} queued: orders/s from process start": count / run["last_s"],
            f"{count:,} queued: events/min": 2 * 60 * count / run["last_s"],
            f"{count:,} queued: CPU ms per order, start of the processes included": run["cpu_ms"],
        }
    figures["cores used by other programs"] = medians(runs)["foreign_cores"]
    return Result(figures, tables={"Runs": runs})


def _run(shop: Shop, count: int) -> Figures:
    began_at = time.time()
    accepted_per_s = _fill(shop, count)
    meter, started_at = shop.meter(), time.time()
    shop.stack.start_all()
    shop.wait_settled()
    used = meter.read()
    # By the times in the rows: polling for the end would add its own interval.
    first_at, last_at = map(float, shop.query("listings", SETTLED, began_at)[0])
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
    """Put orders into the queue while no worker runs; return the orders accepted per second."""
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
