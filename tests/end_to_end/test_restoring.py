"""Both databases come back from backups of two moments, onto an empty broker."""

import subprocess
from pathlib import Path

import pytest

from stack.failure import CannotRun
from stack.servers.postgresql import PostgreSQL
from stack.waiting import wait_until
from tests.support.market import Market, Person

pytestmark = pytest.mark.timeout(300)

VOID = """
UPDATE transactions_transaction SET status = 'voided', voided_at = now() WHERE order_id = %s RETURNING id
"""


def back_up(database: PostgreSQL, file: Path) -> None:
    """Save a database that is in use."""
    run(database.program("pg_dump"), "--format=custom", f"--file={file}", f"--dbname={database.url}")


def restore(database: PostgreSQL, file: Path) -> None:
    """Put a database back to where it was."""
    options = ["--clean", "--if-exists", "--single-transaction", f"--dbname={database.url}"]
    run(database.program("pg_restore"), *options, str(file))


def run(program: str, *arguments: str) -> None:
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def wait_recorded(market: Market, order: str) -> None:
    """Wait until the order has its transaction."""
    assert wait_until(lambda: market.transactions_of([order]) == [order], timeout_seconds=60)


def test_transactions_of_a_later_moment_lose_nothing_that_was_charged(
    market: Market, seller: Person, buyer: Person, tmp_path: Path
) -> None:
    listings, transactions = market.services.listings_db, market.services.transactions_db
    armchair = seller.sell("Crunchy armchair", quantity=10)

    def buy() -> str:
        return str(buyer.buy(armchair).json()["id"])

    settled = buy()
    market.wait_settled([settled])
    market.stack.stop("transactions-worker")
    pending = buy()
    back_up(listings, tmp_path / "listings")
    market.stack.start("transactions-worker")
    forgotten = buy()
    for order in (pending, forgotten):
        wait_recorded(market, order)
    back_up(transactions, tmp_path / "transactions")

    market.close()
    restore(listings, tmp_path / "listings")
    restore(transactions, tmp_path / "transactions")
    market.services.rabbitmq.wipe()
    market.open()

    market.manage("listings", "reconcile", "--older-than", "0")
    assert market.wait_settled([settled, pending]) == {"completed": 2}
    assert market.transactions_of([pending]) == [pending]  # charged once
    assert market.available(armchair) == 8
    with pytest.raises(CannotRun, match=f"{forgotten}: there is no such order, though it is recorded"):
        market.manage("listings", "audit")
    # A person gives the money back; then all agrees.
    [(transaction,)] = market.transactions(VOID, forgotten)
    market.transactions("SELECT post_voids(ARRAY[%s]::uuid[])", transaction)
    assert "Everything agrees." in market.manage("listings", "audit")
