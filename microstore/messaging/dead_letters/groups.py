"""Groups dead letters by normalised error message (ids, numbers and quoted values removed)."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, QuerySet
from django.db.models.functions import Left

from microstore.messaging.models import DeadLetter

MAX_CAUSE = 200
MAX_GROUPS = 200
# What differs between two letters of one cause: ids, addresses, numbers, and what is quoted.
DIFFERENCES = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|0x[0-9a-f]+|\b[0-9a-f]{16,}\b|'[^']*'|\"[^\"]*\"|\d+(?:[.,]\d+)*",
    re.IGNORECASE,
)


def cause_of(error: str) -> str:
    """Return the first line of an error, with `…` for what differs from letter to letter."""
    return DIFFERENCES.sub("…", first_line(error))[:MAX_CAUSE]


def first_line(error: str) -> str:
    """Return the first line of an error, without its details."""
    return error.strip().partition("\n")[0]


@dataclass(frozen=True)
class Group:
    """Waiting dead letters of one contract and one cause."""

    contract: str
    cause: str
    letters: int
    first_at: datetime
    last_at: datetime
    example: str  # the first line of the latest letter's error, with what `cause` leaves out

    @property
    def id(self) -> str:
        """Name on the command line and in addresses, the same wherever it is made."""
        return hashlib.sha256(f"{self.contract}\0{self.cause}".encode()).hexdigest()[:8]

    def waiting(self) -> QuerySet[DeadLetter]:
        waiting = DeadLetter.objects.filter(state=DeadLetter.State.WAITING)
        return waiting.filter(contract=self.contract, cause=self.cause).order_by("id")


def find_groups() -> list[Group]:
    """Return the groups of waiting letters, largest first, MAX_GROUPS at most."""
    waiting = DeadLetter.objects.filter(state=DeadLetter.State.WAITING)
    counted = (
        waiting.order_by()
        .values("contract", "cause")
        .annotate(letters=Count("id"), first_at=Min("created_at"), last_at=Max("died_at"), latest=Max("id"))
    )
    rows: list[Any] = list(counted.order_by("-letters", "contract", "cause")[:MAX_GROUPS])
    latest = waiting.filter(id__in=[row["latest"] for row in rows])
    errors = dict(latest.values_list("id", Left("error", MAX_CAUSE)))
    examples = [first_line(errors.get(row.pop("latest"), "")) for row in rows]
    return [Group(**row, example=example) for row, example in zip(rows, examples, strict=True)]


def find_group(group_id: str) -> Group | None:
    """Return the group of this id, or None where none of its letters waits any more."""
    return next((group for group in find_groups() if group.id == group_id), None)
