"""Results as Markdown, for the terminal and for benchmarks/results/README.md."""

from collections.abc import Iterable, Mapping, Sequence

from benchmarks.result import Result, Value

HEADING = """# What `make bench` measured

Written by `make bench`. What the figures mean: [docs/performance.md](../../docs/performance.md).
"""
# As in the plan for speed: a figure that begins so has this target.
TARGETS = {
    "CPU ms per purchase, all processes": "≤ 1.2",
    "202 to WebSocket, p50 ms": "≤ 15",
    "purchases/s sustained": "≥ 1,500",
    "cost of a purchase at the largest size": "≤ 1.15",
    "1,000 browsers, 200 sales/s": "0",
    "1,000 browsers: 202 to the last one": "< 1,000",
    "100,000 listings, the slowest query": "≤ 50",
    "disagreements": "0",
    "sales not seen": "0",
}


def describe(name: str, title: str, result: Result) -> str:
    """Return a part as Markdown: the command that repeats it, its figures, its tables."""
    circumstances = "; ".join(f"{name} {_format(value)}" for name, value in result.circumstances.items())
    lines = [f"### {title}", "", f"`make bench ONLY={name}`: {circumstances}", ""]
    if result.figures:
        rows = [
            {"figure": figure, "measured": value, "target": _find_target(figure)}
            for figure, value in result.figures.items()
        ]
        lines += [*make_table(rows), ""]
    for heading, table in result.tables.items():
        lines += [f"{heading}:", "", *make_table(table), ""]
    return "\n".join(lines)


def make_document(parts: Iterable[str]) -> str:
    """Return the file of all results."""
    return "\n".join([HEADING, *parts])


def describe_capacity(rows: Sequence[Mapping[str, Value]]) -> str:
    """Return the table of what rates of purchases take, calculated from the part `purchase`."""
    return "\n".join(["### Cores at rates of purchases, at 70 % use", "", *make_table(rows), ""])


def make_table(rows: Sequence[Mapping[str, Value]]) -> list[str]:
    """Return the lines of a table, with a column for each key of any row."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [columns, ["---"] * len(columns)]
    lines += [[_format(row.get(column, "")) for column in columns] for row in rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def _find_target(figure: str) -> str:
    return next((target for start, target in TARGETS.items() if figure.startswith(start)), "")


def _format(value: Value) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"  # noqa: PLR2004
