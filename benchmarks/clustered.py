"""A purchase on three RabbitMQ nodes and databases with a synchronous standby, beside single servers."""

from benchmarks import purchase
from benchmarks.result import Result, Value
from benchmarks.scale import Scale
from benchmarks.shop import Shop
from stack.processes.environment import divide_roles
from stack.servers.machines import three_machines

SINGLE, CLUSTERED = "single servers", "three RabbitMQ nodes, synchronous standbys"
COMPARED = (
    "CPU ms per purchase, all processes",
    "purchases/s, first buy to last sale seen",
    "buy answered, p50 ms",
    "buy answered, p99 ms",
)


def measure(shop: Shop, scale: Scale) -> Result:
    """Measure a purchase on this machine's servers, then on clusters whose nodes share its cores."""
    single = purchase.measure(shop, scale)
    shop.close()
    clustered = _measure_clustered(shop, scale)
    rows: list[dict[str, Value]] = [
        {"servers": name, **result.figures} for name, result in ((SINGLE, single), (CLUSTERED, clustered))
    ]
    return Result(
        figures={
            f"clusters against single servers: {figure}": float(clustered.figures[figure])
            / float(single.figures[figure])
            for figure in COMPARED
        },
        tables={
            "Side by side": rows,
            "CPU ms per purchase": [
                {"servers": name, **result.tables["CPU ms per purchase"][0]}
                for name, result in ((SINGLE, single), (CLUSTERED, clustered))
            ],
        },
    )


def _measure_clustered(shop: Shop, scale: Scale) -> Result:
    # Started only now: idle nodes of a cluster would take CPU time from the single servers.
    own_servers = shop.find_servers
    with three_machines() as machines:
        shop.find_servers = machines.pids
        urls = machines.environment()
        shop.reconfigure(shop.commands, **{**urls, **divide_roles(urls)})
        try:
            shop.prepare()
            shop.empty()
            result = purchase.measure(shop, scale)
            disagreements = shop.audit()["disagreements"]
        finally:
            shop.close()
            shop.find_servers = own_servers
            shop.reconfigure(shop.commands)
    return Result({**result.figures, "disagreements found by the audit": disagreements}, result.tables)
