"""Bar charts that a template draws as SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WIDTH, HEIGHT = 480, 96  # of the drawing, in its own units
GAP = 2


@dataclass(frozen=True)
class Bar:
    """Rectangle of a bar, in units of the drawing, and its tooltip."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True)
class Chart:
    """Bar chart over time, with the labels of its axes: up to `largest`, and three times."""

    title: str
    bars: Sequence[Bar]
    largest: int
    first: str
    middle: str
    last: str


def draw_bars(title: str, values: Sequence[tuple[str, int]]) -> Chart:
    """Return a chart with a bar for each label and value; the largest fills the height."""
    largest = max([value for _, value in values], default=0)
    width = WIDTH / max(len(values), 1)
    bars = []
    for place, (label, value) in enumerate(values):
        height = HEIGHT * value / largest if largest else 0
        x = round(place * width, 1)
        bars.append(Bar(x, round(HEIGHT - height, 1), width - GAP, round(height, 1), f"{label}: {value}"))
    labels = [label for label, _ in values] or [""]
    return Chart(title, bars, largest, labels[0], labels[len(labels) // 2], labels[-1])


def by_hour(counts: dict[datetime, int], *, now: datetime) -> list[tuple[str, int]]:
    """Return a label and a count for each of the last 24 hours, oldest first; missing hours are 0."""
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    times = [this_hour - timedelta(hours=back) for back in reversed(range(24))]
    return [(f"{time:%H:%M}", counts.get(time, 0)) for time in times]
