"""Several copies of each process: nothing is done twice, and copies do not block each other."""

from benchmarks.result import Result, Value
from benchmarks.scale import Scale
from benchmarks.shop import Shop
from benchmarks.trial import buy
from benchmarks.waits import Waits

DEADLOCKS = "SELECT sum(deadlocks) FROM pg_stat_database"
DEAD_LETTERS = "SELECT count(*) FROM messaging_deadletter"
SERVICES = ("listings", "transactions")


def measure(shop: Shop, scale: Scale) -> Result:
    """Make the same purchases with rising numbers of copies, each on ports of its own."""
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
        "dead letters": _count(shop, DEAD_LETTERS),
        "waiting for a lock": waits.share("Lock"),
        "most frequent waits": waits.describe(),
        "cores used by other programs": figures["foreign_cores"],
    }


def _count(shop: Shop, sql: str) -> float:
    return float(sum(shop.query(service, sql)[0][0] for service in SERVICES))
