"""What a check has found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from audit.snapshot import Snapshot, Value

EXAMPLES = 5


class Disagreement(NamedTuple):
    """What is wrong with what."""

    subject: str
    problem: str


@dataclass
class Check:
    """One promise, how many things were looked at, and the first of those that break it."""

    name: str
    promise: str
    examined: int
    disagreements: int = 0
    examples: list[Disagreement] = field(default_factory=list)

    def add(self, subject: str, problem: str) -> None:
        """Count a disagreement; only the first are kept, so that memory is bounded."""
        self.disagreements += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(Disagreement(subject, problem))

    def search(
        self,
        snapshot: Snapshot,
        sql: str,
        *parameters: Value,
        subject: Callable[[Any], str],
        problem: str,
    ) -> "Check":
        """Add what the SQL selects: the subject's key, then what fills in the problem's {}."""
        counted = f"SELECT count(*) OVER (), found.* FROM ({sql}) found LIMIT {EXAMPLES}"  # noqa: S608
        for total, key, *details in snapshot.all(counted, *parameters):
            self.disagreements = total
            self.examples.append(Disagreement(subject(key), problem.format(*details)))
        return self


def order_name(key: object) -> str:
    """An order as people know it; SQLite stores its id without dashes."""
    return f"order {UUID(str(key))}"


def count_disagreements(checks: Sequence[Check]) -> int:
    """All of them."""
    return sum(check.disagreements for check in checks)
