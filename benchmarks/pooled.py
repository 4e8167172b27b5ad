"""The shop behind PgBouncer in transaction mode: all processes but the relays, which need LISTEN."""

from contextlib import ExitStack

from benchmarks import purchase
from benchmarks.result import Result, Value
from benchmarks.scale import Scale
from benchmarks.shop import Shop
from stack.ports import choose_ports
from stack.servers.pgbouncer import PgBouncer

CONNECTIONS = 5  # to each database


def measure(shop: Shop, scale: Scale) -> Result:
    """Measure a purchase with all processes but the relays behind the pools."""
    databases = (shop.services.listings_db, shop.services.transactions_db)
    with ExitStack() as running:
        pools: list[PgBouncer] = []
        for database, port in zip(databases, choose_ports(len(databases)), strict=True):
            folder = shop.folder / f"{database.name}-pgbouncer"
            pool = PgBouncer(database, folder=folder, port=port, pool_size=CONNECTIONS)
            running.callback(pool.stop)
            pool.start()
            pools.append(pool)
        _connect(shop, pools)
        result = purchase.measure(shop, scale)
        counted: list[dict[str, Value]] = [_count(pool) for pool in pools]
        shop.close()
    return Result(result.figures, {**result.tables, "Connections": counted})


def _connect(shop: Shop, pools: list[PgBouncer]) -> None:
    """Connect all processes but the relays to the pools."""
    urls = {f"{pool.database.name.upper()}_POOL_URL": pool.url for pool in pools}
    commands = {
        name: command if name.endswith("relay") else command.replace("S_DATABASE_URL", "S_POOL_URL")
        for name, command in shop.commands.items()
    }
    shop.reconfigure(commands, **urls)


def _count(pool: PgBouncer) -> dict[str, Value]:
    [counts] = [row for row in pool.show("POOLS") if row["database"] == pool.database.name]
    kinds = ("cl_active", "cl_waiting", "sv_active", "sv_idle", "sv_used")
    return {"database": pool.database.name, **{kind: float(counts[kind]) for kind in kinds}}
