"""docs/reliability.md, from what the fault suite has measured."""

import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from tests.support.rush import Outcome
from tools.revision import describe_commit

TEMPLATE = Path(__file__).with_name("reliability.md")


def write_report(path: Path, outcomes: Mapping[str, Outcome]) -> None:
    """Write the table, one line a fault."""
    rows = [describe(fault, outcome) for fault, outcome in sorted(outcomes.items(), key=lambda item: item[0])]
    text = Template(TEMPLATE.read_text()).substitute(
        date=datetime.now(UTC).date().isoformat(),
        commit=describe_commit(),
        machine=f"{os.cpu_count()} cores, Python {platform.python_version()}",
        faults=len(outcomes),
        purchases=f"{sum(outcome.purchases for outcome in outcomes.values()):,}",
        lost=sum(outcome.lost for outcome in outcomes.values()),
        doubled=sum(outcome.doubled for outcome in outcomes.values()),
        rows="\n".join(rows),
    )
    path.write_text(text)


def describe(fault: str, outcome: Outcome) -> str:
    """A line of the table."""
    errors = ", ".join(f"{count} {error}" for error, count in outcome.errors.most_common()) or "none"
    return (
        f"| {fault} | {outcome.purchases:,} | {outcome.lost} | {outcome.doubled}"
        f" | {outcome.slowest_seconds:.1f} | {errors} |"
    )
