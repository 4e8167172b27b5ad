"""CPU time of a purchase while the tables grow."""

from concurrent.futures import ThreadPoolExecutor

from benchmarks.figures import Figures, medians
from benchmarks.purchase import run
from benchmarks.result import Result
from benchmarks.scale import Scale
from benchmarks.shop import ADD_PEOPLE, BUYERS, SELLERS, Shop
from benchmarks.trial import buy

# Everything is derived from a number, so that both servers make the same rows. Ids are UUIDs of version 7,
# rising in time, as in a shop that grew: random ids would touch more pages of the indexes. Of a hundred sales
# one has a large buyer and one a large seller, the others are a crowd's. A word is in 2 % of the titles.
CROWD = range(2_000_001, 2_120_001)
CROWD_BUYERS, CROWD_SELLERS = CROWD[:100_000], CROWD[100_000:]
PIECES = 10  # of a listing, each sold to another buyer
SOLD = f"""
    SELECT n, item, 100000000 + item AS listing_id,
        CASE n %% 100 WHEN 0 THEN {BUYERS[0]}
            ELSE {CROWD_BUYERS[0]} + n * 7919 %% {len(CROWD_BUYERS)} END AS buyer_id,
        CASE item %% 100 WHEN 0 THEN {SELLERS[0]}
            ELSE {CROWD_SELLERS[0]} + item %% {len(CROWD_SELLERS)} END AS seller_id,
        1000 + item %% 500 AS price_cents, 30 + n %% 50 AS fee_cents,
        (lpad(to_hex(1790000000000 + n * 7), 12, '0') || '7' || substr(md5(n::text), 1, 3)
            || '8' || substr(md5(n::text), 4, 15))::uuid AS order_id,
        (lpad(to_hex(1790000000003 + n * 7), 12, '0') || '7' || substr(md5('transaction ' || n), 1, 3)
            || '8' || substr(md5('transaction ' || n), 4, 15))::uuid AS transaction_id,
        now() - interval '1 day' AS at
    FROM generate_series(%s::bigint, %s - 1) n CROSS JOIN LATERAL (VALUES (n / {PIECES})) AS items (item)
"""
# Words that are not alike: a slip in one of them would find all titles.
ADJECTIVE, NOUN = (
    f"substr(md5('{kind}' || {number}), 1, 8)"
    for kind, number in (("adjective ", "item %% 50"), ("noun ", "item / 50 %% 50"))
)
FILL = {
    "listings": f"""
    CREATE TEMPORARY TABLE sold AS {SOLD};
    INSERT INTO listings_listing (id, seller_id, title, description, category, price_cents, currency,
        quantity, available, status, created_at, updated_at)
    SELECT listing_id, seller_id, {ADJECTIVE} || ' ' || {NOUN} || ' ' || item,
        'It crunches.', 'furniture', price_cents, 'EUR', {PIECES}, 0, 'on_sale', at, at
    FROM sold WHERE n %% {PIECES} = 0;
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
    CREATE TEMPORARY TABLE sold AS {SOLD};
    INSERT INTO transactions_transaction (id, order_id, listing_id, buyer_id, seller_id, quantity,
        price_cents, currency, status, fee_cents, total_cents, fee_rule, fee_breakdown, reason, trace,
        created_at)
    SELECT transaction_id, order_id, listing_id, buyer_id, seller_id, 1, price_cents, 'EUR', 'recorded',
        fee_cents, price_cents + fee_cents, '', '{{}}', '', '', at FROM sold;
    SELECT post_sales(array_agg(transaction_id), 7) FROM sold;
    DROP TABLE sold
    """,
}


def measure(shop: Shop, scale: Scale) -> Result:
    """Make the same purchases at each size of the tables, the smallest first."""
    shop.open()
    add_crowd(shop)
    buy(shop, shop.make_requests(scale.warm_up))
    rows: list[Figures] = []
    for before, size in zip((0, *scale.table_sizes), scale.table_sizes, strict=False):
        add_sales(shop, before, size)
        shop.tidy()
        rows.append({"orders": size, **measure_once(shop, scale)})
    smallest, largest = rows[0], rows[-1]
    return Result(
        figures={
            "cost of a purchase at the largest size against the smallest": largest["CPU ms"]
            / smallest["CPU ms"],
            "of it PostgreSQL's": largest["of it PostgreSQL"] / smallest["of it PostgreSQL"],
        },
        tables={"By size": rows},
    )


def measure_once(shop: Shop, scale: Scale) -> Figures:
    """Return the medians of some purchases at the present size."""
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


def add_crowd(shop: Shop) -> None:
    """Add the accounts of buyers and sellers who only have old sales."""
    shop.query("listings", ADD_PEOPLE, CROWD[0], CROWD[-1])


def add_sales(shop: Shop, before: int, size: int) -> None:
    """Add old sales to both databases at once, until there are so many."""
    with ThreadPoolExecutor(len(FILL)) as pool:
        for _ in pool.map(lambda service: shop.query(service, FILL[service], before, size), FILL):
            pass
