"""Balances and ledgers of sellers: sums of the entries in their accounts, which are read from one index."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Min, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, Now

from transactions.ledger.models import Account, Entry
from transactions.models import Transaction
from transactions.refunds.models import Refund


class Balance(NamedTuple):
    """Amounts of a seller in one currency; refunds may make either of them negative."""

    seller_id: int
    currency: str
    pending_cents: int
    available_cents: int
    since: datetime  # when the first of the income was available


class Line(NamedTuple):
    """A movement in a seller's ledger: income is positive, and `balance_cents` is the balance after it."""

    id: int
    kind: str
    order_id: UUID | None
    currency: str
    amount_cents: int
    balance_cents: int
    occurred_at: datetime
    available_at: datetime


def balances_of(seller_id: int) -> list[Balance]:
    """Return the seller's balances, one for each currency, by its code."""
    return _read(_balances().filter(owner_id=seller_id))


def available(*, minimum_cents: int = 1, sellers: Sequence[int] | None = None) -> list[Balance]:
    """Return the balances of which so much is available, of these sellers or of all, by seller and currency.

    A payout claims what is available by a debit in the seller's account, as available as its first income:
    what it has claimed is in no sum any more. Callers lock out other payouts of a seller before they read.
    """
    balances = _balances().filter(available__gte=minimum_cents)
    return _read(balances if sellers is None else balances.filter(owner_id__in=sellers))


def entries_of(seller_id: int) -> QuerySet[Entry]:
    """Return the entries in the seller's accounts."""
    return Entry.objects.filter(account=Account.PAYABLE, owner_id=seller_id)


def lines_of(seller_id: int, page: Sequence[Entry]) -> list[Line]:
    """Return these entries, which are newest first, as lines with the balance after each in its currency."""
    order_ids = _find_orders([entry.journal.subject_id for entry in page])
    balances = _balances_at(seller_id, {entry.currency: entry.pk for entry in reversed(page)})
    lines = []
    for entry in page:
        assert entry.available_at is not None
        lines.append(
            Line(
                id=entry.pk,
                kind=entry.journal.kind,
                order_id=order_ids.get(entry.journal.subject_id),
                currency=entry.currency,
                amount_cents=-entry.amount_cents,
                balance_cents=balances[entry.currency],
                occurred_at=entry.journal.occurred_at,
                available_at=entry.available_at,
            )
        )
        balances[entry.currency] += entry.amount_cents
    return lines


def _balances() -> Any:  # a queryset, whose sums are no fields
    # The account is a liability: its credits, which are negative, are what the seller has.
    held = Q(available_at__gt=Now())
    return (
        Entry.objects.filter(account=Account.PAYABLE)
        .values("owner_id", "currency")
        .annotate(
            pending=-Coalesce(Sum("amount_cents", filter=held), 0),
            available=-Coalesce(Sum("amount_cents", filter=~held), 0),
            since=Min("available_at"),
        )
        .order_by("owner_id", "currency")
    )


def _read(balances: QuerySet[Any, Any]) -> list[Balance]:
    rows = balances.values_list("owner_id", "currency", "pending", "available", "since")
    return [Balance(*row) for row in rows]


def _balances_at(seller_id: int, newest: dict[str, int]) -> dict[str, int]:
    """Return the balances after these entries, by currency."""
    until = Q(pk__in=())
    for currency, entry_id in newest.items():
        until |= Q(currency=currency, id__lte=entry_id)
    sums = entries_of(seller_id).filter(until).values_list("currency")
    return dict(sums.annotate(balance=-Sum("amount_cents")))


def _find_orders(subject_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Return the orders of these transactions and refunds, by their ids."""
    sold = Transaction.objects.filter(id__in=subject_ids).values_list("id", "order_id")
    refunded = Refund.objects.filter(id__in=subject_ids).values_list("id", "order_id")
    return dict(sold.union(refunded, all=True))
