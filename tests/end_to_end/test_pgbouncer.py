"""PgBouncer in transaction mode before both databases: everything works through it but the relays."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from stack.places import make_throw_away_folder
from stack.ports import choose_ports
from stack.processes.stack import Stack
from stack.servers.pgbouncer import PgBouncer
from tests.support.crowded import sell_to_a_crowd
from tests.support.market import Market, Person

CONNECTIONS = 3  # fewer than a single process of the API has threads
BYTES_OF_A_PURCHASE = 250  # as it comes to the database, at least


@pytest.fixture
def pools(market: Market) -> Iterator[list[PgBouncer]]:
    """The market's processes behind PgBouncer, on few connections; afterwards as they were."""
    folder = make_throw_away_folder()
    databases = [market.services.listings_db, market.services.transactions_db]
    pools = [
        PgBouncer(database, folder=folder / database.name, port=port, pool_size=CONNECTIONS)
        for database, port in zip(databases, choose_ports(2), strict=True)
    ]
    names = [name for name in market.stack.commands if not name.endswith(("relay", "fees"))]
    urls = {f"{pool.database.name.upper()}_DATABASE_URL": pool.url for pool in pools}
    commands = {name: market.stack.commands[name] for name in names}
    pooled = Stack(commands, environment={**market.stack.environment, **urls}, folder=folder)
    with ExitStack() as undoing:
        for pool in pools:
            undoing.callback(pool.stop)
            pool.start()
        for name in names:
            market.stack.stop(name)
        undoing.callback(pooled.stop_all)
        pooled.start_all()
        pooled.wait_all_ready()
        yield pools


def test_three_hundred_purchases_settle_over_three_connections_to_each_database(
    market: Market, seller: Person, pools: list[PgBouncer]
) -> None:
    sell_to_a_crowd(market, seller, purchases=300, stock=300)
    for pool in pools:
        [counts] = [row for row in pool.show("POOLS") if row["database"] == pool.database.name]
        assert counts["sv_active"] + counts["sv_idle"] + counts["sv_used"] <= CONNECTIONS
        [counted] = [row for row in pool.show("STATS_TOTALS") if row["database"] == pool.database.name]
        assert counted["xact_count"] > 0
    [listings] = [row for row in pools[0].show("STATS_TOTALS") if row["database"] == "listings"]
    assert listings["bytes_received"] > 300 * BYTES_OF_A_PURCHASE  # who buys at once shares transactions
