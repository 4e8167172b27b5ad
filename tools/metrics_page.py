"""docs/reference/metrics.md: every metric that the code defines."""

import ast
from collections.abc import Iterator
from pathlib import Path
from string import Template

from tools.source import find_calls, first_text
from tools.table import make_table

TEMPLATE = Path(__file__).with_name("metrics.md")
PREFIX = "microstore_"
KINDS = ("Counter", "Gauge", "Histogram")


def read_metrics() -> Iterator[tuple[str, str, str, str]]:
    """Yield name, kind, labels and help text; what is computed while Prometheus scrapes is a gauge."""
    for _, function, call in find_calls():
        if first_text(call).startswith(PREFIX) and len(call.args) > 1:
            kind = function if function in KINDS else "Gauge"
            yield first_text(call), kind.lower(), _labels(call), _help(call)


def make_metrics_page() -> str:
    # Both services define some metrics; the set lists each of them once.
    rows = [(f"`{name}`", kind, labels, text) for name, kind, labels, text in sorted(set(read_metrics()))]
    return Template(TEMPLATE.read_text()).substitute(
        rows=make_table(("metric", "kind", "labels", "meaning"), rows)
    )


def _help(call: ast.Call) -> str:
    value = ast.literal_eval(call.args[1])
    return str(value)


def _labels(call: ast.Call) -> str:
    """Return the label names; a gauge that is given one queue's value has the label `queue`."""
    given = call.args[2] if len(call.args) > 2 else None  # noqa: PLR2004  # after name and help
    names = [ast.literal_eval(item) for item in given.elts] if isinstance(given, ast.List) else []
    names += ["queue" for keyword in call.keywords if ast.unparse(keyword.value).endswith(".queue")]
    return ", ".join(f"`{name}`" for name in names)
