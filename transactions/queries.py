"""Queries of the transactions database."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from microstore.database.bulk_insert import as_json
from transactions.ledger.posting import post
from transactions.models import Transaction
from transactions.refunds.models import Refund

RECORDED = "SELECT order_id FROM transactions_transaction WHERE order_id = ANY(%s::uuid[])"
TIERS = "SELECT seller_id, tier FROM transactions_sellertier WHERE seller_id = ANY(%s)"


class Decided(NamedTuple):
    """A transaction's row: the columns that never change once they are stored, and the status."""

    id: UUID
    order_id: UUID
    listing_id: int
    buyer_id: int
    seller_id: int
    quantity: int
    price_cents: int
    currency: str
    title: str
    description: str
    category: str
    picture: str
    status: str
    fee_cents: int | None
    total_cents: int | None
    commission_cents: int
    fee_rule: str
    fee_breakdown: dict[str, Any]
    reason: str
    trace: str


def recorded_before(order_ids: Iterable[UUID]) -> dict[UUID, Decided]:
    """Return the decisions about those of these orders, nearly always none, that have one, by order id."""
    # For each batch of new orders: without the ORM, which takes three times as long.
    with connection.cursor() as cursor:
        cursor.execute(RECORDED, [list(order_ids)])
        found = [order_id for (order_id,) in cursor.fetchall()]
    return recorded_for(found) if found else {}


def recorded_for(order_ids: Iterable[UUID]) -> dict[UUID, Decided]:
    """Return the recorded decisions about these orders, by order id."""
    found = Transaction.objects.filter(order_id__in=list(order_ids)).values_list(*Decided._fields)
    return {decided.order_id: decided for decided in map(Decided._make, found)}


def store_new(decisions: Sequence[Decided]) -> dict[UUID, Decided]:
    """Store a decision about each order that has none, and post it; return the recorded ones, by order id."""
    new = _insert(decisions)
    recorded = {each.order_id: each for each in decisions if each.order_id in new}
    if len(recorded) < len(decisions):
        # Another worker, or an earlier delivery, was first: its row stands, and this fee is forgotten.
        recorded |= recorded_for(each.order_id for each in decisions if each.order_id not in new)
    return recorded


def _insert(decisions: Sequence[Decided]) -> set[UUID]:
    # One parameter for any number of rows: see decision 0017. A function keeps its plans for the connection.
    with connection.cursor() as cursor:
        cursor.execute("SELECT store_transactions(%s, %s)", [as_json(decisions), settings.HOLD_DAYS])
        return {order_id for (order_id,) in cursor.fetchall()}


def void_recorded(order_ids: Collection[UUID]) -> list[UUID]:
    """Void what is recorded for these orders and reverse its sale; return the orders voided now."""
    new = Transaction.objects.filter(order_id__in=order_ids, voided_at=None)
    # Locked in the order of their orders' ids, as they are inserted.
    new = new.exclude(status=Transaction.Status.REFUSED).order_by("order_id")
    voided = dict(new.select_for_update().values_list("id", "order_id"))
    stored = Transaction.objects.filter(id__in=voided)
    stored.update(status=Transaction.Status.VOIDED, voided_at=Now())
    post("post_voids", list(voided))
    return list(voided.values())


def lock_refunded(order_ids: Iterable[UUID]) -> set[UUID]:
    """Lock the transactions of these orders; return the orders that are refunded, in whole or in part."""
    # Locked before the refunds are read: one that is decided at this moment is waited for, and seen.
    locked = lock_transactions(order_ids)
    refunds = Refund.objects.filter(order_id__in=locked, status=Refund.Status.REFUNDED)
    return set(refunds.values_list("order_id", flat=True))


def lock_transactions(order_ids: Iterable[UUID]) -> dict[UUID, Transaction]:
    """Lock the transactions of these orders and return them by order id.

    Whoever refunds or voids an order holds its row, so what was refunded before stands still.
    """
    # In the order of their orders' ids, as everywhere.
    rows = Transaction.objects.select_for_update().filter(order_id__in=list(order_ids)).order_by("order_id")
    return {row.order_id: row for row in rows}


def tiers_of(seller_ids: Collection[int]) -> dict[int, str]:
    """Return the tiers of those of these sellers that have one, by seller."""
    # For each batch of new orders: without the ORM, which takes twice as long.
    with connection.cursor() as cursor:
        cursor.execute(TIERS, [list(seller_ids)])
        return dict(cursor.fetchall())


def transactions_of(user_id: int) -> QuerySet[Transaction]:
    """Return the transactions that the user may see, as buyer or as seller."""
    return Transaction.objects.filter(Q(buyer_id=user_id) | Q(seller_id=user_id))
