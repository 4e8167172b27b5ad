"""Percentiles, medians and rates of measurements."""

import math
from collections.abc import Iterable, Mapping
from statistics import median

Figures = dict[str, float]


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the percentile by nearest rank, which is one of the values; NaN if there are none."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def spread(values: Iterable[float], *, prefix: str) -> Figures:
    """Return median, 99th percentile and maximum of seconds, in milliseconds."""
    milliseconds = [value * 1000 for value in values]
    percents = {"p50_ms": 50, "p99_ms": 99, "max_ms": 100}
    return {f"{prefix}_{name}": percentile(milliseconds, percent) for name, percent in percents.items()}


def medians(runs: Iterable[Mapping[str, float]]) -> Figures:
    """Return the median of each figure over the runs; a figure missing in a run counts as 0 there."""
    runs = list(runs)
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: median(run.get(name, 0) for run in runs) for name in names}


def highest_rate(holds: Mapping[int, bool]) -> int:
    """Return the highest rate that held below the lowest that did not; 0 if there is none."""
    # A rate that held above one that failed held by luck.
    failed = min((rate for rate, held in holds.items() if not held), default=None)
    return max(
        (rate for rate, held in holds.items() if held and (failed is None or rate < failed)), default=0
    )
