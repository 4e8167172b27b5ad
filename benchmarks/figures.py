"""What is made of measurements: percentiles, medians, rates."""

import math
from collections.abc import Iterable, Mapping
from statistics import median

Figures = dict[str, float]


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest value that so many per cent of all do not exceed (nearest rank); NaN of nothing."""
    ordered = sorted(values)
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def spread(values: Iterable[float], *, prefix: str) -> Figures:
    """Median, 99th percentile and maximum, in milliseconds from seconds."""
    milliseconds = [value * 1000 for value in values]
    percents = {"p50_ms": 50, "p99_ms": 99, "max_ms": 100}
    return {f"{prefix}_{name}": percentile(milliseconds, percent) for name, percent in percents.items()}


def medians(runs: Iterable[Mapping[str, float]]) -> Figures:
    """The median of each figure over some runs; one that a run does not have counts as 0 there."""
    runs = list(runs)
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: median(run.get(name, 0) for run in runs) for name in names}


def highest_rate(holds: Mapping[int, bool]) -> int:
    """The highest rate that held, of those below the lowest that did not; 0 if none."""
    failed = min((rate for rate, held in holds.items() if not held), default=None)
    return max(
        (rate for rate, held in holds.items() if held and (failed is None or rate < failed)), default=0
    )
