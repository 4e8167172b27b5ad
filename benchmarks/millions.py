"""A shop with ten million orders beside one with ten thousand: a purchase, pages, an audit, the disk."""

import hashlib
import time
from statistics import median
from typing import NamedTuple

from benchmarks import growth
from benchmarks.load import Crowd
from benchmarks.result import Result, Value
from benchmarks.scale import Scale
from benchmarks.shop import BUYERS, PEOPLE, SELLERS, Shop
from benchmarks.trial import buy

STEP = 500_000  # rows in one transaction
REQUEST = "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
FIRST_REQUESTS = 3
SLOW_SECONDS = 0.5
OK = 200
TABLES = {
    "listings": ("listings_listing", "listings_order", "listings_liveevent"),
    "transactions": ("transactions_transaction", "transactions_journal", "transactions_entry"),
}
LISTINGS, TRANSACTIONS = "LISTINGS_PORT", "TRANSACTIONS_PORT"
# As growth.FILL makes them.
ADJECTIVE, NOUN = (hashlib.md5(word).hexdigest()[:8] for word in (b"adjective 7", b"noun 7"))  # noqa: S324
A_BUYER, A_SELLER = growth.CROWD_BUYERS[1], growth.CROWD_SELLERS[1]
LARGE_BUYER, LARGE_SELLER, NEWCOMER = BUYERS[0], SELLERS[0], PEOPLE[-1]


class Page(NamedTuple):
    """A page of the API, as a user sees it."""

    title: str
    port: str
    path: str
    user: int = NEWCOMER


PAGES = [
    Page("listings, the newest", LISTINGS, "/api/listings/"),
    Page("listings, a price", LISTINGS, "/api/listings/?min_price_cents=1200&max_price_cents=1201"),
    Page("listings, a word of 2 %", LISTINGS, f"/api/listings/?search={NOUN}"),
    Page("listings, two words", LISTINGS, f"/api/listings/?search={ADJECTIVE}+{NOUN}"),
    Page("listings, a slip in typing", LISTINGS, f"/api/listings/?search={NOUN[1:]}{NOUN[0]}"),
    Page("orders of a newcomer", LISTINGS, "/api/orders/"),
    Page("orders of a buyer", LISTINGS, "/api/orders/", A_BUYER),
    Page("orders of a buyer, cancelled", LISTINGS, "/api/orders/?status=cancelled", A_BUYER),
    Page("orders of a seller", LISTINGS, "/api/orders/", A_SELLER),
    Page("orders of a seller, sold", LISTINGS, "/api/orders/?role=seller", A_SELLER),
    Page("orders of the large buyer", LISTINGS, "/api/orders/", LARGE_BUYER),
    Page("orders of the large seller", LISTINGS, "/api/orders/", LARGE_SELLER),
    Page("transactions of a newcomer", TRANSACTIONS, "/api/transactions/"),
    Page("transactions of a buyer", TRANSACTIONS, "/api/transactions/", A_BUYER),
    Page("transactions of the large seller", TRANSACTIONS, "/api/transactions/", LARGE_SELLER),
    Page("balance of a seller", TRANSACTIONS, "/api/balance/", A_SELLER),
    Page("balance of the large seller", TRANSACTIONS, "/api/balance/", LARGE_SELLER),
    Page("ledger of a seller", TRANSACTIONS, "/api/ledger/", A_SELLER),
    Page("ledger of the large seller", TRANSACTIONS, "/api/ledger/", LARGE_SELLER),
]


def measure(shop: Shop, scale: Scale) -> Result:
    """Measure the same things at each size, the smallest first."""
    shop.open()
    growth.add_crowd(shop)
    buy(shop, shop.make_requests(scale.warm_up))
    rows: list[dict[str, Value]] = []
    sizes: list[dict[str, Value]] = []
    pages: dict[str, dict[str, Value]] = {page.title: {"page, ms": page.title} for page in PAGES}
    for before, size in zip((0, *scale.many), scale.many, strict=False):
        filled_seconds = _fill(shop, before, size)
        for page in PAGES:
            pages[page.title][f"{size:,} orders"] = _milliseconds(shop, page, scale.queries // 5)
        purchase = growth.measure_once(shop, scale)
        rows.append(
            {"orders": size, **purchase, "audit, s": _audit_seconds(shop), "filled in, s": filled_seconds}
        )
        sizes.append({"orders": size, **_gigabytes(shop)})
    smallest, largest = rows[0], rows[-1]
    return Result(
        figures={
            f"{name}, at the largest size against the smallest": float(largest[name]) / float(smallest[name])
            for name in ("CPU ms", "of it PostgreSQL", "audit, s")
        },
        tables={
            "By size": rows,
            "Pages": list(pages.values()),
            "Gigabytes of tables with their indexes": sizes,
        },
    )


def _fill(shop: Shop, before: int, size: int) -> float:
    started_at = time.monotonic()
    # In steps: a transaction of ten million rows would keep all of its write-ahead log until its end.
    for start in range(before, size, STEP):
        growth.add_sales(shop, start, min(start + STEP, size))
    shop.tidy()
    return time.monotonic() - started_at


def _milliseconds(shop: Shop, page: Page, count: int) -> Value:
    """Return the median of some requests of one client; of few where they take long."""
    request = REQUEST.format(path=page.path, token=shop.token_of(page.user)).encode()
    # The first ones read pages of the tables that nobody has read since they were filled.
    times = _request(shop, page, request, FIRST_REQUESTS)
    if times and median(times) < SLOW_SECONDS:
        times = _request(shop, page, request, count)
    return median(times) * 1000 if times else "no answer"


def _request(shop: Shop, page: Page, request: bytes, count: int) -> list[float]:
    answers = Crowd(shop.ports_of(page.port), clients=1).run([request] * count)
    return [answer.answered_at - answer.sent_at for answer in answers if answer.status == OK]


def _audit_seconds(shop: Shop) -> float:
    shop.wait_settled()
    started_at = time.monotonic()
    shop.audit()
    return time.monotonic() - started_at


def _gigabytes(shop: Shop) -> dict[str, Value]:
    sql = "SELECT pg_total_relation_size(%s::regclass)"
    return {
        table: shop.query(service, sql, table)[0][0] / 1e9
        for service, tables in TABLES.items()
        for table in tables
    }
