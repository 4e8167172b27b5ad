"""Questions to the transactions database."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from microstore.database.bulk_insert import insert_new
from transactions.models import Transaction


class Decided(NamedTuple):
    """What is recorded about an order: the columns that never change once they are stored, and the status."""

    id: UUID
    order_id: UUID
    listing_id: int
    buyer_id: int
    seller_id: int
    quantity: int
    price_cents: int
    currency: str
    status: str
    fee_cents: int | None
    total_cents: int | None
    fee_rule: str
    fee_breakdown: dict[str, Any]
    reason: str
    trace: str
    created_at: datetime


def recorded_for(order_ids: Iterable[UUID]) -> dict[UUID, Decided]:
    """What has been decided about these orders, by order id."""
    found = Transaction.objects.filter(order_id__in=list(order_ids)).values_list(*Decided._fields)
    return {decided.order_id: decided for decided in map(Decided._make, found)}


def store_new(decisions: Sequence[Decided]) -> dict[UUID, Decided]:
    """Store a decision about each order, unless there is one; returns what is recorded, by order id."""
    new = insert_new(Transaction, decisions, key="order_id")
    recorded = {each.order_id: each for each in decisions if each.order_id in new}
    if len(recorded) < len(decisions):
        recorded |= recorded_for(each.order_id for each in decisions if each.order_id not in new)
    return recorded


@transaction.atomic
def store_voided(decisions: Sequence[Decided]) -> list[UUID]:
    """Store these, unless the order is decided, and void what is recorded; returns whose is voided now.

    The rows come, and are locked, in the order of their orders' ids.
    """
    store_new(decisions)
    order_ids = [each.order_id for each in decisions]
    new = Transaction.objects.filter(order_id__in=order_ids, voided_at=None)
    new = new.exclude(status=Transaction.Status.REFUSED).order_by("order_id")
    voided = list(new.select_for_update().values_list("order_id", flat=True))
    stored = Transaction.objects.filter(order_id__in=voided)
    stored.update(status=Transaction.Status.VOIDED, voided_at=timezone.now())
    return voided


def transactions_of(user_id: int) -> QuerySet[Transaction]:
    """Transactions that the user may see: as buyer or as seller."""
    return Transaction.objects.filter(Q(buyer_id=user_id) | Q(seller_id=user_id))
