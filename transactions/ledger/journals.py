"""Finding journals and their entries, for staff: by the ids of what they are about, and by day."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from microstore.staff.lists import ids_of_some, of_id
from transactions.ledger.models import LINES, Account, Entry, Journal
from transactions.models import Transaction
from transactions.refunds.models import Refund

# Workers commit beside each other, so a journal may have a lower number than one of a moment before.
OVERLAP = 1_000


def find_journals(term: str) -> list[int]:
    """Return the numbers of the journals about an order, a transaction or another subject of this id."""
    term = term.strip()
    known = ids_of_some(of_id(Journal.objects.all(), term, "subject_id"))
    about = Journal.objects.filter(subject_id__in=_subjects(term)).values_list("id", flat=True)
    return [*{*known, *about}]


def entry_ids(journals: Iterable[int]) -> list[int]:
    """Return the ids that the entries of these journals may have."""
    # By the primary key: entries have no index by their journal.
    return [journal * LINES + line for journal in journals for line in range(LINES)]


def first_journal_since(moment: datetime) -> int:
    """Return a number below all journals of events since this moment."""
    since = (
        Journal.objects.filter(occurred_at__gte=moment).order_by("occurred_at").values_list("id", flat=True)
    )
    first = since.first()
    if first is None:
        return (Journal.objects.order_by("-id").values_list("id", flat=True).first() or 0) + 1
    return max(0, first - OVERLAP)


def daily_totals(days: int) -> list[dict[str, Any]]:
    """Return the number of entries and the sums of the accounts by day, currency and kind, newest first.

    `sums` are by the accounts' names, and `difference` is what they add up to: 0 is right.
    """
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    start = midnight - timedelta(days=days - 1)
    entries = Entry.objects.filter(
        id__gte=first_journal_since(start) * LINES, journal__occurred_at__gte=start
    )
    grouped: Any = entries.annotate(day=TruncDate("journal__occurred_at"), kind=F("journal__kind"))
    sums = {account: Sum("amount_cents", filter=Q(account=account), default=0) for account in Account.values}
    totals = grouped.values("day", "currency", "kind").annotate(entries=Count("id"), **sums)
    return [
        row
        | {"sums": {account.label: row[account.value] for account in Account}}
        | {"difference": sum(row[account] for account in Account.values)}
        for row in totals.order_by("-day", "currency", "kind")
    ]


def _subjects(term: str) -> set[UUID]:
    sold = ids_of_some(of_id(Transaction.objects.all(), term, "pk", "order_id"))
    refunds = of_id(Refund.objects.all(), term, "order_id")
    return {*sold, *ids_of_some(refunds), *ids_of_some(Refund.objects.filter(transaction__in=sold))}
