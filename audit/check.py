"""The result of one check: rows examined, disagreements counted, the first of them kept as examples."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from audit.snapshot import Snapshot, Value

EXAMPLES = 5


class Disagreement(NamedTuple):
    """One broken row: its name for people, and the problem found with it."""

    subject: str
    problem: str


@dataclass
class Check:
    """One promise, the number of rows examined, and those that break it."""

    name: str
    promise: str
    examined: int
    disagreements: int = 0
    examples: list[Disagreement] = field(default_factory=list)

    def add(self, subject: str, problem: str) -> None:
        """Count a disagreement, and keep it as an example if it is one of the first."""
        # A lost table gives as many disagreements as there are orders; keeping all would exhaust the memory.
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
        """Add the rows that the SQL selects, and return this check.

        The first column is the key given to `subject`; the others fill in the {} of `problem`.
        """
        # The window function counts before LIMIT applies: one query gives the total and the examples.
        counted = f"SELECT count(*) OVER (), found.* FROM ({sql}) found LIMIT {EXAMPLES}"  # noqa: S608
        for total, key, *details in snapshot.all(counted, *parameters):
            self.disagreements = total
            self.examples.append(Disagreement(subject(key), problem.format(*details)))
        return self


def count_disagreements(checks: Sequence[Check]) -> int:
    """Return the total over all checks."""
    return sum(check.disagreements for check in checks)
