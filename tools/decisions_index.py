"""docs/decisions/README.md: every record with its status and date."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

from tools.source import ROOT
from tools.table import make_table

FOLDER = ROOT / "docs/decisions"
TEMPLATE = Path(__file__).with_name("decisions.md")
HEAD = re.compile(
    r"# (?P<number>\d{4}): (?P<title>.+)\n\n"
    r"Status: (?P<status>accepted|superseded by \d{4})\n"
    r"Date: (?P<date>\d{4}-\d\d-\d\d)\n"
    r"(?:Merges: (?P<merges>\d{4}(?:, \d{4})*)\n)?\n"
)


@dataclass(frozen=True)
class Decision:
    """The head of a record; `merges` are numbers of earlier records that it replaces whole."""

    file: Path
    number: str
    title: str
    status: str
    date: str
    merges: tuple[str, ...]


def read_decisions() -> Iterator[Decision]:
    """Yield all records by number; one that does not have the format raises ValueError."""
    for file in sorted(FOLDER.glob("[0-9]*.md")):
        head = HEAD.match(file.read_text())
        if not head or not file.name.startswith(head["number"]):
            raise ValueError(f"{file.name} does not begin as docs/decisions/README.md says")
        merges = tuple((head["merges"] or "").split(", ")) if head["merges"] else ()
        yield Decision(file, head["number"], head["title"], head["status"], head["date"], merges)


def make_decisions_index() -> str:
    decisions = list(read_decisions())
    rows = [(f"[{each.number}]({each.file.name})", each.title, each.status, each.date) for each in decisions]
    # Commits and comments name the records that were merged: their numbers must stay findable.
    merged = sorted((number, each) for each in decisions for number in each.merges)
    return Template(TEMPLATE.read_text()).substitute(
        rows=make_table(("number", "decision", "status", "date"), rows),
        merged=", ".join(f"{number} → [{each.number}]({each.file.name})" for number, each in merged),
    )
