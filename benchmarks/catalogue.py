"""Response times of a large catalogue: lists, filters, searches and a page in the middle."""

import base64
from collections.abc import Sequence

from benchmarks.figures import Figures, spread
from benchmarks.load import Answer, Crowd
from benchmarks.result import Result, Value
from benchmarks.scale import Scale
from benchmarks.shop import Shop
from stack.failure import CannotRun
from stack.processes.preparation import manage

OK = 200
SELLERS = 50
CLIENTS = 8  # as many as the API has threads
WARM_UP = 50
REQUEST = "GET /api/listings/?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
QUERIES = {
    "the first page": "",
    "a category between two prices": "category=furniture&min_price_cents=5000&max_price_cents=20000",
    "the cheapest of a category": "category=furniture&ordering=cheapest",
    "a word of some titles": "search=lamp",
    "a word of many descriptions": "search=oranges",
    "two words": "search=brass+lamp",
}


def measure(shop: Shop, scale: Scale) -> Result:
    """Send each query from one client, then from as many as the API has threads."""
    shop.reconfigure(shop.commands, MEDIA_ROOT=str(shop.folder / "media"))
    shop.open()
    manage(
        shop.settings,
        "listings",
        "seed",
        "--known-passwords",
        f"--listings={scale.listings}",
        f"--users={SELLERS}",
    )
    shop.tidy()
    meter = shop.meter()
    queries = {**QUERIES, "a page in the middle": f"cursor={_cursor_to_the_middle(shop)}"}
    rows = [{"query": name, **_measure_query(shop, query, scale.queries)} for name, query in queries.items()]
    slowest = max(float(row["one client: p50 ms"]) for row in rows)
    return Result(
        figures={
            f"{scale.listings:,} listings, the slowest query: p50 ms": slowest,
            "cores used by other programs": meter.read().foreign_cores,
        },
        tables={"By question": rows},
    )


def _measure_query(shop: Shop, query: str, count: int) -> dict[str, Value]:
    request = REQUEST.format(query=query).encode()
    # The first queries of a process import views and plan statements; they are not measured.
    _send(shop, [request] * WARM_UP, clients=CLIENTS)
    alone = _send(shop, [request] * count, clients=1)
    together = _send(shop, [request] * count, clients=CLIENTS)
    return {
        "found on the page": len(alone[0].body["results"]),
        "one client: p50 ms": _milliseconds(alone)["_p50_ms"],
        "p99 ms": _milliseconds(alone)["_p99_ms"],
        f"{CLIENTS} clients: requests/s": count / _seconds(together),
        "their p50 ms": _milliseconds(together)["_p50_ms"],
        "their p99 ms": _milliseconds(together)["_p99_ms"],
    }


def _send(shop: Shop, requests: Sequence[bytes], *, clients: int) -> Sequence[Answer]:
    answers = Crowd(shop.ports_of("LISTINGS_PORT"), clients).run(requests)
    if failed := [answer for answer in answers if answer.status != OK]:
        raise CannotRun(f"{len(failed)} of {len(answers)} were not answered: {failed[0].raw[:500]!r}")
    return answers


def _milliseconds(answers: Sequence[Answer]) -> Figures:
    return spread((answer.answered_at - answer.sent_at for answer in answers), prefix="")


def _seconds(answers: Sequence[Answer]) -> float:
    return max(answer.answered_at for answer in answers) - min(answer.sent_at for answer in answers)


def _cursor_to_the_middle(shop: Shop) -> str:
    """Return a cursor as the API writes it in `next`: the id of the last listing of the page before."""
    [(middle,)] = shop.query("listings", "SELECT (min(id) + max(id)) / 2 FROM listings_listing")
    return base64.b64encode(f"p={middle}".encode()).decode().replace("=", "%3D")
