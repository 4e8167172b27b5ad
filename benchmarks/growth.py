"""CPU time of a purchase while the tables grow."""

from concurrent.futures import ThreadPoolExecutor

from benchmarks.figures import Figures, medians
from benchmarks.purchase import run
from benchmarks.result import Result
from benchmarks.scale import Scale
from benchmarks.shop import BUYERS, SELLERS, Shop
from benchmarks.trial import buy

# Everything is derived from a number, so that both servers make the same rows. Order ids are UUIDs of
# version 7, rising in time, as in a shop that grew: random ids would touch more pages of the indexes.
SOLD = f"""
    SELECT n, 100000000 + n AS listing_id, {BUYERS[0]} + n %% {len(BUYERS)} AS buyer_id,
        {SELLERS[0]} + n %% {len(SELLERS)} AS seller_id,
        1000 + n %% 500 AS price_cents, 30 + n %% 50 AS fee_cents,
        (lpad(to_hex(1790000000000 + n * 7), 12, '0') || '7' || substr(md5(n::text), 1, 3)
            || '8' || substr(md5(n::text), 4, 15))::uuid AS order_id,
        md5('transaction ' || n)::uuid AS transaction_id, now() - interval '1 day' AS at
    FROM generate_series(%s + 1, %s) n
"""
FILL = {
    "listings": f"""
    CREATE TEMPORARY TABLE sold AS {SOLD};
    INSERT INTO listings_listing (id, seller_id, title, description, category, price_cents, currency,
        quantity, available, status, created_at, updated_at)
    SELECT listing_id, seller_id, 'Crunchy armchair ' || n, 'It crunches.', 'furniture', price_cents, 'EUR',
        1, 0, 'on_sale', at, at FROM sold;
    INSERT INTO listings_order (id, buyer_id, listing_id, quantity, unit_price_cents, currency, status,
        transaction_id, fee_cents, total_cents, reason, trace, idempotency_key, request_hash, created_at,
        settled_at)
    SELECT order_id, buyer_id, listing_id, 1, price_cents, 'EUR', 'completed', transaction_id, fee_cents,
        price_cents + fee_cents, '', '', md5('key ' || n), '', at, at FROM sold;
    INSERT INTO listings_liveevent (type, order_id, listing_id, payload, created_at)
    SELECT 'item_sold', order_id, listing_id, '{{}}', at FROM sold;
    DROP TABLE sold
    """,
    "transactions": f"""
    INSERT INTO transactions_transaction (id, order_id, listing_id, buyer_id, seller_id, quantity,
        price_cents, currency, status, fee_cents, total_cents, fee_rule, fee_breakdown, reason, trace,
        created_at)
    SELECT transaction_id, order_id, listing_id, buyer_id, seller_id, 1, price_cents, 'EUR', 'recorded',
        fee_cents, price_cents + fee_cents, '', '{{}}', '', '', at FROM ({SOLD}) sold
    """,
}


def measure(shop: Shop, scale: Scale) -> Result:
    """Make the same purchases at each size of the tables, the smallest first."""
    shop.open()
    buy(shop, shop.make_requests(scale.warm_up))
    rows: list[Figures] = []
    for before, size in zip((0, *scale.table_sizes), scale.table_sizes, strict=False):
        _fill(shop, before, size)
        rows.append({"listings and orders": size, **_measure_once(shop, scale)})
    smallest, largest = rows[0], rows[-1]
    return Result(
        figures={
            "cost of a purchase at the largest size against the smallest": largest["CPU ms"]
            / smallest["CPU ms"],
            "of it PostgreSQL's": largest["of it PostgreSQL"] / smallest["of it PostgreSQL"],
        },
        tables={"By size": rows},
    )


def _measure_once(shop: Shop, scale: Scale) -> Figures:
    trials = [run(shop, scale.purchases // 2) for _ in range(scale.runs)]
    each = medians(trial.milliseconds_each() for trial in trials)
    figures = medians(trial.figures() for trial in trials)
    return {
        "CPU ms": each["all"],
        "of it PostgreSQL": each["listings-db"] + each["transactions-db"],
        "buys/s": figures["buys_per_s"],
        "buy answered, p99 ms": figures["http_p99_ms"],
        "cores used by other programs": figures["foreign_cores"],
    }


def _fill(shop: Shop, before: int, size: int) -> None:
    """Add old sales to both databases at once."""
    with ThreadPoolExecutor(len(FILL)) as pool:
        for _ in pool.map(lambda service: shop.query(service, FILL[service], before, size), FILL):
            pass
    shop.tidy()
