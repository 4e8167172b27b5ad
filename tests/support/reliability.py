"""docs/reliability.md, from what the fault suite has measured."""

import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from tests.support.rush import Outcome
from tools.revision import describe_commit

TEMPLATE = Path(__file__).with_name("reliability.md")
PROCESSES, MACHINES, MOVEMENTS = "Processes and servers", "Machines", "Refunds and payouts"
OF_MACHINES = re.compile("three |two PostgreSQL|a machine ")
SECTION = re.compile(r"^## (?P<title>.+)\n(?P<text>(?:(?!## ).*\n)*)", re.MULTILINE)
COLUMNS = """\
| fault | purchases | lost | doubled | slowest, s | errors that buyers saw |
|---|---|---|---|---|---|"""
COLUMNS_OF_MOVEMENTS = "| fault | refunds or payouts | lost | doubled |\n|---|---|---|---|"


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
    """Write a table for each section, one line a fault; keep the sections of which no fault was tried."""
    found = SECTION.finditer(path.read_text()) if path.exists() else ()
    texts = {section["title"]: section["text"].strip() for section in found}
    of_machines = {fault: outcome for fault, outcome in outcomes.items() if OF_MACHINES.match(fault)}
    others = {fault: outcome for fault, outcome in outcomes.items() if fault not in of_machines}
    for title, own in ((PROCESSES, others), (MACHINES, of_machines)):
        if own:
            texts[title] = describe_purchases(own)
    if MOVED:
        texts[MOVEMENTS] = describe_movements(MOVED)
    titles = [title for title in (PROCESSES, MACHINES, MOVEMENTS) if title in texts]
    path.write_text(
        "\n".join([TEMPLATE.read_text(), *(f"## {title}\n\n{texts[title]}\n" for title in titles)])
    )


def describe_purchases(outcomes: Mapping[str, Outcome]) -> str:
    """Return a section of purchases."""
    purchases = sum(outcome.purchases for outcome in outcomes.values())
    rows = [describe(fault, outcome) for fault, outcome in sorted(outcomes.items())]
    return f"{describe_run(list(outcomes.values()), f'{purchases:,} purchases')}\n\n" + "\n".join(
        [COLUMNS, *rows]
    )


def describe_movements(outcomes: Mapping[str, Moved]) -> str:
    """Return the section of refunds and payouts."""
    moved = sum(outcome.moved for outcome in outcomes.values())
    rows = [f"| {fault} | {' | '.join(map(str, outcome))} |" for fault, outcome in sorted(outcomes.items())]
    head = describe_run(list(outcomes.values()), f"{moved} refunds and payouts")
    return f"{head}\n\n" + "\n".join([COLUMNS_OF_MOVEMENTS, *rows])


def describe_run(outcomes: Sequence[Outcome | Moved], what: str) -> str:
    """Return when and where these faults were tried, and their sums."""
    date, machine = datetime.now(UTC).date(), f"{os.cpu_count()} cores, Python {platform.python_version()}"
    lost, doubled = (sum(getattr(outcome, name) for outcome in outcomes) for name in ("lost", "doubled"))
    return (
        f"On commit `{describe_commit()}` ({date}, {machine}):\n"
        f"**{len(outcomes)} faults, {what}, {lost} lost, {doubled} doubled.**"
    )


def describe(fault: str, outcome: Outcome) -> str:
    """A line of the table."""
    errors = ", ".join(f"{count} {error}" for error, count in outcome.errors.most_common()) or "none"
    slowest = "unknown" if outcome.slowest_seconds is None else f"{outcome.slowest_seconds:.1f}"
    return f"| {fault} | {outcome.purchases:,} | {outcome.lost} | {outcome.doubled} | {slowest} | {errors} |"
