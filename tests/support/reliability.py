"""docs/reliability.md, from what the fault suite has measured."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import NamedTuple

from tests.support.rush import Outcome
from tools.revision import describe_commit

TEMPLATE = Path(__file__).with_name("reliability.md")


class Moved(NamedTuple):
    """The effect of a fault on the refunds or payouts made during it."""

    moved: int
    lost: int
    doubled: int


MOVED: dict[str, Moved] = {}


def note_moved(fault: str, outcome: Moved) -> None:
    """Add a line to the report, and fail unless nothing was lost or done twice."""
    MOVED[fault] = outcome
    assert (outcome.lost, outcome.doubled) == (0, 0), (fault, outcome)


def write_report(path: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Write the tables, one line a fault."""
    rows = [describe(fault, outcome) for fault, outcome in sorted(outcomes.items(), key=lambda item: item[0])]
    moved = [f"| {fault} | {' | '.join(map(str, outcome))} |" for fault, outcome in sorted(MOVED.items())]
    all_outcomes: list[Outcome | Moved] = [*outcomes.values(), *MOVED.values()]
    text = Template(TEMPLATE.read_text()).substitute(
        date=datetime.now(UTC).date().isoformat(),
        commit=describe_commit(),
        machine=f"{os.cpu_count()} cores, Python {platform.python_version()}",
        faults=len(outcomes) + len(MOVED),
        purchases=f"{sum(outcome.purchases for outcome in outcomes.values()):,}",
        moved=sum(outcome.moved for outcome in MOVED.values()),
        lost=sum(outcome.lost for outcome in all_outcomes),
        doubled=sum(outcome.doubled for outcome in all_outcomes),
        rows="\n".join(rows),
        moved_rows="\n".join(moved),
    )
    path.write_text(text)


def describe(fault: str, outcome: Outcome) -> str:
    """A line of the table."""
    errors = ", ".join(f"{count} {error}" for error, count in outcome.errors.most_common()) or "none"
    return (
        f"| {fault} | {outcome.purchases:,} | {outcome.lost} | {outcome.doubled}"
        f" | {outcome.slowest_seconds:.1f} | {errors} |"
    )
