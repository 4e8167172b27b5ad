"""A purchase in a closed loop: CPU time by process, throughput and latency."""

from benchmarks.capacity import WAL
from benchmarks.figures import medians
from benchmarks.result import Result
from benchmarks.scale import Scale
from benchmarks.shop import Shop
from benchmarks.trial import CLIENTS, Trial, buy


def measure(shop: Shop, scale: Scale) -> Result:
    """Return medians over several runs, after purchases that warm all processes up."""
    shop.open()
    buy(shop, shop.make_requests(scale.warm_up))
    trials = [run(shop, scale.purchases) for _ in range(scale.runs)]
    figures = medians(trial.figures() for trial in trials)
    each = medians(trial.milliseconds_each() for trial in trials)
    return Result(
        figures={
            "CPU ms per purchase, all processes": each["all"],
            f"buys/s, {CLIENTS} clients": figures["buys_per_s"],
            "purchases/s, first buy to last sale seen": figures["settled_per_s"],
            "buy answered, p50 ms": figures["http_p50_ms"],
            "buy answered, p99 ms": figures["http_p99_ms"],
            WAL: figures["wal_bytes_each"],
            "refused": figures["refused"],
            "sales not seen": figures["unseen"],
            "cores used by the load generator": figures["load_generator_cores"],
            "cores used by other programs": figures["foreign_cores"],
        },
        tables={
            "CPU ms per purchase": [each],
            "Runs": [{**trial.figures(), "cpu_ms": trial.milliseconds_each()["all"]} for trial in trials],
        },
    )


def run(shop: Shop, purchases: int) -> Trial:
    """Make purchases as fast as they are answered, on databases without pending maintenance."""
    requests = shop.make_requests(purchases)
    shop.tidy()
    return buy(shop, requests)
