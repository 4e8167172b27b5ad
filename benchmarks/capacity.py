"""Extrapolates the cores of each process to many times the load from its CPU time per purchase."""

from benchmarks.result import Result, Value

BASE_PER_S = 100  # 12,000 events a minute, two for each purchase
TIMES = (1, 10, 100, 1_000)
BUSY = 0.7  # of a core, at most: above it waiting times grow faster than the load
WAL = "bytes of write-ahead log per purchase, both databases"


def project(measured: Result) -> list[dict[str, Value]]:
    """Return one row a process, the most expensive first, and one for the write-ahead log."""
    [each] = measured.tables["CPU ms per purchase"]
    rows = [_row(name, float(cost)) for name, cost in sorted(each.items(), key=_by_cost)]
    written = float(measured.figures.get(WAL, 0)) / 1_000_000
    log: dict[str, Value] = {"what": "write-ahead log, MB/s", "each": f"{written * 1000:,.1f} kB"}
    return [*rows, log | {_heading(times): written * BASE_PER_S * times for times in TIMES}]


def _row(name: str, cost_ms: float) -> dict[str, Value]:
    cores = {_heading(times): cost_ms / 1000 * BASE_PER_S * times / BUSY for times in TIMES}
    return {"what": f"{name}, cores", "each": f"{cost_ms:.2f} ms", **cores}


def _heading(times: int) -> str:
    return f"{times:,} times, {BASE_PER_S * times:,}/s"


def _by_cost(item: tuple[str, Value]) -> float:
    return -float(item[1])
