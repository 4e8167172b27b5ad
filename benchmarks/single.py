"""One listing that all buyers buy: they queue for the lock of one row."""

from benchmarks.result import Result
from benchmarks.scale import Scale
from benchmarks.shop import Shop
from benchmarks.trial import CLIENTS, buy
from benchmarks.waits import Waits


def measure(shop: Shop, scale: Scale) -> Result:
    """Make the usual purchases of one listing whose stock lasts."""
    shop.open()
    buy(shop, shop.make_requests(scale.warm_up))
    requests = shop.make_requests(scale.purchases, stock=scale.purchases)
    shop.tidy()
    with Waits([shop.owner_url("listings")]) as waits:
        trial = buy(shop, requests)
    figures = trial.figures()
    return Result(
        figures={
            f"buys/s of a single listing, {CLIENTS} clients": figures["buys_per_s"],
            "buy answered, p99 ms": figures["http_p99_ms"],
            "CPU ms per purchase of a single listing": trial.milliseconds_each()["all"],
            "refused": figures["refused"],
            "sessions waiting for a lock": waits.share("Lock"),
            "most frequent waits": waits.describe(),
            "cores used by other programs": figures["foreign_cores"],
        }
    )
