"""The report of an audit, as text for people and as JSON for programs."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from audit.check import Check, count_disagreements
from audit.cross_database import Comparison
from audit.ledger import check_ledger
from audit.payouts import check_payouts
from audit.queues import Depths, find_warnings, measure_queues
from audit.refunds import check_refunds
from audit.sellers import check_sellers
from audit.single_database import check_listings, check_outboxes
from audit.snapshots import Snapshots


@dataclass(frozen=True)
class Report:
    """All checks, the depths of the queues by name, and warnings."""

    checks: list[Check]
    queues: Depths
    warnings: list[str]

    @property
    def disagreements(self) -> int:
        return count_disagreements(self.checks)

    def as_json(self) -> str:
        """Return one JSON object; `examples` are the first disagreements of each check."""
        checks = [
            {**asdict(check), "examples": [example._asdict() for example in check.examples]}
            for check in self.checks
        ]
        whole = {"disagreements": self.disagreements, "checks": checks}
        return json.dumps({**whole, "queues": self.queues, "warnings": self.warnings}, indent=2)

    def as_text(self) -> str:
        """Return a table of the checks, then examples, queues and warnings."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{'check':<20} {'examined':>12} {'disagreements':>14}  promise"
        for check in self.checks:
            yield f"{check.name:<20} {check.examined:>12,} {check.disagreements:>14,}  {check.promise}"
        for check in self.checks:
            yield from (f"{check.name}: {example.subject}: {example.problem}" for example in check.examples)
            if check.disagreements > len(check.examples):
                yield f"{check.name}: … and {check.disagreements - len(check.examples):,} more"
        yield "queues: " + ", ".join(f"{name} {depth:,}" for name, depth in self.queues.items())
        yield from (f"warning: {warning}" for warning in self.warnings)
        yield f"Disagreements: {self.disagreements:,}." if self.disagreements else "Everything agrees."


def make_report(snapshots: Snapshots) -> Report:
    """Run every check; raises django.db.Error if a database fails meanwhile."""
    depths, queues = measure_queues()
    money = [*check_ledger(snapshots), *check_refunds(snapshots), *check_payouts(snapshots)]
    money += check_sellers(snapshots)
    single = [*money, *check_outboxes(snapshots)]
    checks = [*check_listings(snapshots), *Comparison(snapshots).run(), *single, queues]
    return Report(checks, depths, find_warnings(snapshots, depths))
