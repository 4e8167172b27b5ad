"""Questions to the transactions database."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from psycopg2.extras import Json, execute_values

from transactions.models import Transaction

STORED_FIELDS = (
    *("id", "order_id", "listing_id", "buyer_id", "seller_id", "quantity", "price_cents", "currency"),
    *("status", "fee_cents", "total_cents", "fee_rule", "reason", "trace", "created_at"),
)
INSERT = f"""
INSERT INTO transactions_transaction ({", ".join(STORED_FIELDS)}, fee_breakdown)
VALUES %s ON CONFLICT DO NOTHING RETURNING order_id
"""  # noqa: S608  # constants


def recorded_for(order_ids: Iterable[UUID]) -> dict[UUID, Transaction]:
    """What has been decided about these orders, by order id."""
    return {found.order_id: found for found in Transaction.objects.filter(order_id__in=list(order_ids))}


def store_new(transactions: Sequence[Transaction]) -> dict[UUID, Transaction]:
    """Store a decision about each order, unless there is one; returns what is recorded, by order id."""
    if not transactions:
        return {}
    if connection.vendor != "postgresql":
        Transaction.objects.bulk_create(transactions, ignore_conflicts=True)
        return recorded_for(t.order_id for t in transactions)
    rows = [[*(getattr(t, field) for field in STORED_FIELDS), Json(t.fee_breakdown)] for t in transactions]
    with connection.cursor() as cursor, connection.wrap_database_errors:
        stored = execute_values(cursor.cursor, INSERT, rows, page_size=len(rows), fetch=True)
    new = {order_id for (order_id,) in stored}
    recorded = {t.order_id: t for t in transactions if t.order_id in new}
    if len(recorded) < len(transactions):
        recorded |= recorded_for(t.order_id for t in transactions if t.order_id not in new)
    return recorded


@transaction.atomic
def store_voided(transactions: Sequence[Transaction]) -> list[Transaction]:
    """Store these, unless the order is decided, and void what is recorded; returns what is voided now.

    The rows come, and are locked, in the order of their orders' ids.
    """
    store_new(transactions)
    order_ids = [each.order_id for each in transactions]
    new = Transaction.objects.filter(order_id__in=order_ids, voided_at=None)
    new = new.exclude(status=Transaction.Status.REFUSED).order_by("order_id")
    voided = list(new.select_for_update())
    for each in voided:
        each.status, each.voided_at = Transaction.Status.VOIDED, timezone.now()
    Transaction.objects.bulk_update(voided, ["status", "voided_at"])
    return voided


def transactions_of(user_id: int) -> QuerySet[Transaction]:
    """Transactions that the user may see: as buyer or as seller."""
    return Transaction.objects.filter(Q(buyer_id=user_id) | Q(seller_id=user_id))
