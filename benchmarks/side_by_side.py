"""Several of each process beside each other: nothing done twice, nobody in anybody's way."""

from benchmarks.result import Result, Value
from benchmarks.scale import Scale
from benchmarks.shop import Shop
from benchmarks.trial import buy
from benchmarks.waits import Waits

DEADLOCKS = "SELECT sum(deadlocks) FROM pg_stat_database"
LETTERS = "SELECT count(*) FROM messaging_deadletter"
SERVICES = ("listings", "transactions")


def measure(shop: Shop, scale: Scale) -> Result:
    """The same purchases with one, two, four of each process, each on ports of its own."""
    rows = [_run(shop, copies, scale) for copies in scale.copies]
    most = rows[-1]
    return Result(
        figures={
            f"{most['of each process']} of each process: deadlocks": most["deadlocks"],
            "dead letters": most["dead letters"],
            "share of database samples that waited for a lock of another session": most["waiting for a lock"],
        },
        tables={"By number of processes of each kind": rows},
    )


def _run(shop: Shop, copies: int, scale: Scale) -> dict[str, Value]:
    while len(shop.copies) < copies:
        shop.add_copy()
    shop.open()
    buy(shop, shop.make_requests(scale.warm_up))
    requests = shop.make_requests(scale.purchases)
    shop.tidy()
    with Waits([shop.owner_url(service) for service in SERVICES]) as waits:
        trial = buy(shop, requests)
    shop.wait_settled()
    figures = trial.figures()
    return {
        "of each process": copies,
        "buys/s": figures["buys_per_s"],
        "CPU ms per purchase": trial.milliseconds_each()["all"],
        "unseen by one of the browsers": figures["unseen"],
        "deadlocks": _count(shop, DEADLOCKS),
        "dead letters": _count(shop, LETTERS),
        "waiting for a lock": waits.share("Lock"),
        "most frequent waits": waits.describe(),
        "cores used by strangers": figures["foreign_cores"],
    }


def _count(shop: Shop, sql: str) -> float:
    return float(sum(shop.ask(service, sql)[0][0] for service in SERVICES))
