"""Measures an audit of a million orders: `python -m stack exec -- python -m tests.audit.million`."""

import os
import resource
import subprocess
import sys
import time
from contextlib import closing

import psycopg2

from stack.places import ROOT

ORDERS = 1_000_000

# Everything is derived from a number, so that both servers make the same rows.
NUMBERED = """
    SELECT n, 1000000 + n %% 10000 + 1 AS listing_id,
        (lpad(to_hex(1790000000000 + n * 7), 12, '0') || '7' || substr(md5(n::text), 1, 3)
            || '8' || substr(md5(n::text), 4, 15))::uuid AS order_id,
        md5('transaction ' || n)::uuid AS transaction_id,
        1000 + n %% 500 AS price_cents, 30 + n %% 50 AS fee_cents,
        now() - interval '6 days' * (n / %(orders)s::float) - interval '10 minutes' AS at
    FROM generate_series(1, %(orders)s) n
"""
FILL = {
    "listings": f"""
    INSERT INTO auth_user (id, username, password, email, first_name, last_name, is_superuser, is_staff,
        is_active, date_joined)
    SELECT n, 'person ' || n, '!', '', '', '', false, false, true, now() FROM generate_series(1001, 1002) n;
    INSERT INTO listings_listing (id, seller_id, title, description, category, price_cents, currency,
        quantity, available, status, created_at, updated_at)
    SELECT 1000000 + n, 1001, 'Crunchy armchair', '', 'furniture', 1000, 'EUR',
        %(orders)s / 10000 + 5, 5, 'on_sale', now(), now() FROM generate_series(1, 10000) n;
    CREATE TEMPORARY TABLE numbered AS {NUMBERED};
    INSERT INTO listings_order (id, buyer_id, listing_id, quantity, unit_price_cents, currency, status,
        transaction_id, fee_cents, total_cents, reason, trace, request_hash, created_at, settled_at)
    SELECT order_id, 1002, listing_id, 1, price_cents, 'EUR', 'completed', transaction_id,
        fee_cents, price_cents + fee_cents, '', '', '', at, at FROM numbered;
    INSERT INTO listings_liveevent (type, order_id, listing_id, payload, created_at)
    SELECT 'item_sold', order_id, listing_id, '{{}}', at FROM numbered;
    """,
    "transactions": f"""
    INSERT INTO transactions_transaction (id, order_id, listing_id, buyer_id, seller_id, quantity,
        price_cents, currency, status, fee_cents, total_cents, fee_rule, fee_breakdown, reason, trace,
        created_at)
    SELECT transaction_id, order_id, listing_id, 1002, 1001, 1, price_cents, 'EUR', 'recorded',
        fee_cents, price_cents + fee_cents, '', '{{}}', '', '', at FROM ({NUMBERED}) numbered;
    SELECT post_sales(array_agg(id), 7) FROM transactions_transaction;
    """,
}


def main() -> None:
    """Fill both databases, audit them, and audit them again when every transaction differs."""
    for service, sql in FILL.items():
        manage(service, "migrate", "--verbosity=0")
        execute(service, sql)
    manage("transactions", "topology")
    measure("all equal")
    execute("transactions", "UPDATE transactions_transaction SET buyer_id = 1003")
    measure("all different")


def measure(state: str) -> None:
    """Run an audit and print its time; ru_maxrss is the largest child's until now, in KiB."""
    started = time.monotonic()
    exit_code = manage("listings", "audit")
    seconds, memory_kib = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"{ORDERS:,} orders, {state}: {seconds:.1f} s, {memory_kib / 1024:.0f} MiB, exit code {exit_code}")


def manage(service: str, *arguments: str) -> int:
    """Run a manage.py command and return its exit code."""
    url = os.environ[f"{service.upper()}_DATABASE_URL"]
    environment = {**os.environ, "MICROSTORE_SERVICE": service, "DATABASE_URL": url, "DEBUG": "1"}
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


def execute(service: str, sql: str) -> None:
    """Change a database, and update its statistics as autovacuum would."""
    with closing(psycopg2.connect(os.environ[f"{service.upper()}_DATABASE_URL"])) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(sql, {"orders": ORDERS})
        cursor.execute("VACUUM ANALYZE")


if __name__ == "__main__":
    main()
