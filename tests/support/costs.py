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
    """What one query reads: rows, shown or not, and blocks of 8 KiB, cached or not; how long that takes."""

    sql: str
    rows: int
    blocks: int
    milliseconds: float


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
    rows = sum(_rows_looked_at(node) for node in _nodes(plan) if "Relation Name" in node)
    blocks = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return Cost(sql, round(rows), blocks, found["Execution Time"])


def _rows_looked_at(scan: dict[str, Any]) -> float:
    """Those that it passed on, and those that it looked at in vain."""
    kinds = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    return float(sum(scan.get(kind, 0) for kind in kinds) * scan["Actual Loops"])


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def open_lists(client: Client, lists: Mapping[str, Iterable[str]], *, max_rows: int) -> None:
    """Open each list with each of its queries, print what it costs, and see that no query reads too much."""
    dear = []
    for model, queries in lists.items():
        url = reverse(f"admin:{model}_changelist")
        for query in queries:
            with counted_costs() as costs:
                assert client.get(f"{url}?{query}").status_code == 200, (url, query)
            dearest = max(costs, key=lambda cost: cost.rows)
            milliseconds = sum(cost.milliseconds for cost in costs)
            blocks = sum(cost.blocks for cost in costs)
            print(f"{model}?{query}\t{milliseconds:.0f} ms\t{dearest.rows} rows\t{blocks} blocks")
            if dearest.rows > max_rows:
                dear.append((model, query, dearest))
    assert dear == []
