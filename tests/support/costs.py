"""What the database reads for a page: each query is explained while the page is made."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test import Client
from django.urls import reverse

EXPLAIN = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "


@dataclass(frozen=True)
class Cost:
    """What one query reads, in blocks of 8 KiB whether cached or not, and how long that takes."""

    sql: str
    blocks: int
    milliseconds: float
    whole_tables: tuple[str, ...]  # read from end to end


@contextmanager
def counted_costs() -> Iterator[list[Cost]]:
    """The cost of each SELECT made in the block."""
    costs: list[Cost] = []

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT"):
            with connection.connection.cursor() as cursor:
                cursor.execute(EXPLAIN + sql, params)
                costs.append(_read_plan(sql, cursor.fetchone()[0]))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield costs


def _read_plan(sql: str, explained: Any) -> Cost:
    [found] = json.loads(explained) if isinstance(explained, str) else explained
    plan = found["Plan"]
    scans = (node["Relation Name"] for node in _nodes(plan) if node["Node Type"] == "Seq Scan")
    blocks = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return Cost(sql, blocks, found["Execution Time"], tuple(scans))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def open_lists(client: Client, lists: Mapping[str, Iterable[str]], *, max_blocks: int) -> None:
    """Open each list with each of its queries, print what it costs, and see that no query reads too much."""
    dear = []
    for model, queries in lists.items():
        url = reverse(f"admin:{model}_changelist")
        for query in queries:
            with counted_costs() as costs:
                assert client.get(f"{url}?{query}").status_code == 200, (url, query)
            dearest = max(costs, key=lambda cost: cost.blocks)
            milliseconds = sum(cost.milliseconds for cost in costs)
            print(f"{model}?{query}\t{len(costs)} queries\t{milliseconds:.0f} ms\t{dearest.blocks} blocks")
            if dearest.blocks > max_blocks:
                dear.append((model, query, dearest))
    assert dear == []
