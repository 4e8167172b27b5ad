"""Completing orders: all of a batch by one statement, which also stores what the live feed says of them."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from listings.models import LiveEvent, Order
from microstore.contracts.listings import ItemSold
from microstore.telemetry.tracing import trace_id_of

EVENT = "item_sold"
TOLD = {"order_id", "transaction_id", "fee_cents", "total_cents"}
# Pending orders are locked in the order of their ids, so that two batches cannot wait for each other.
COMPLETE = """
WITH sale AS (
    SELECT * FROM json_to_recordset(%s)
    AS sale (order_id uuid, transaction_id uuid, fee_cents bigint, total_cents bigint)
),
pending AS (
    SELECT id FROM listings_order WHERE id IN (SELECT order_id FROM sale) AND status = 'pending'
    ORDER BY id FOR UPDATE
), completed AS (
    UPDATE listings_order SET status = 'completed', settled_at = now(), transaction_id = sale.transaction_id,
        fee_cents = sale.fee_cents, total_cents = sale.total_cents
    FROM sale JOIN pending ON pending.id = sale.order_id WHERE listings_order.id = pending.id
    RETURNING listings_order.*
), event AS (
    INSERT INTO listings_liveevent (type, order_id, listing_id, created_at, payload)
    SELECT 'item_sold', completed.id, listing.id, settled_at, jsonb_build_object(
        'order_id', completed.id, 'listing_id', listing.id, 'quantity', completed.quantity,
        'available', listing.available, 'trace_id', substr(trace, 4, 32)
    )
    FROM completed JOIN listings_listing listing ON listing.id = completed.listing_id ORDER BY completed.id
    RETURNING seq, order_id, payload
)
SELECT completed.id, listing.id, completed.buyer_id, listing.seller_id, completed.quantity,
    completed.currency, completed.transaction_id, completed.fee_cents, completed.total_cents, completed.trace,
    completed.created_at, completed.settled_at, event.seq, event.payload
FROM completed JOIN listings_listing listing ON listing.id = completed.listing_id
    JOIN event ON event.order_id = completed.id
ORDER BY event.seq
"""
FIELDS = (
    *("id", "listing_id", "buyer_id", "listing__seller_id", "quantity", "currency"),
    *("transaction_id", "fee_cents", "total_cents", "trace"),
)


class Completed(NamedTuple):
    """An order that is completed, as its fact tells it."""

    order_id: UUID
    listing_id: int
    buyer_id: int
    seller_id: int
    quantity: int
    currency: str
    transaction_id: UUID
    fee_cents: int
    total_cents: int
    trace: str


class New(NamedTuple):
    """One that was pending until now, and what the live feed says of it."""

    order: Completed
    created_at: datetime
    settled_at: datetime
    event: LiveEvent


def complete_pending(sales: Sequence[ItemSold]) -> list[New]:
    """Complete those of the orders that are pending, and store the event of each."""
    if not sales:
        return []
    if connection.vendor != "postgresql":
        return _complete_one_by_one(sales)
    told = json.dumps([sale.model_dump(mode="json", include=TOLD) for sale in sales])
    with connection.cursor() as cursor:
        cursor.execute(COMPLETE, [told])
        return [_new(row) for row in cursor.fetchall()]


def find_completed(order_ids: Sequence[UUID]) -> list[Completed]:
    """Those of the orders that are completed."""
    if not order_ids:
        return []
    found = Order.objects.filter(id__in=order_ids, status=Order.Status.COMPLETED).order_by("id")
    return [Completed(*row) for row in found.values_list(*FIELDS)]


def _new(row: tuple[Any, ...]) -> New:
    order = Completed(*row[: len(FIELDS)])
    created_at, settled_at, seq, payload = row[len(FIELDS) :]
    event = LiveEvent(seq=seq, type=EVENT, payload=json.loads(payload))
    return New(order, created_at, settled_at, event)


@transaction.atomic
def _complete_one_by_one(sales: Sequence[ItemSold]) -> list[New]:
    """The same where the database is for development."""
    by_order = {sale.order_id: sale for sale in sales}
    pending = Order.objects.select_related("listing").filter(id__in=by_order, status=Order.Status.PENDING)
    return [_complete(order, by_order[order.id]) for order in pending.order_by("id")]


def _complete(order: Order, sale: ItemSold) -> New:
    order.status, order.settled_at = Order.Status.COMPLETED, timezone.now()
    order.transaction_id, order.fee_cents, order.total_cents = (
        sale.transaction_id,
        sale.fee_cents,
        sale.total_cents,
    )
    order.save()
    payload = {
        "order_id": str(order.id),
        "listing_id": order.listing_id,
        "quantity": order.quantity,
        "available": order.listing.available,
        "trace_id": trace_id_of(order.trace),
    }
    event = LiveEvent.objects.create(
        type=EVENT, order_id=order.id, listing_id=order.listing_id, payload=payload
    )
    (completed,) = find_completed([order.id])
    return New(completed, order.created_at, order.settled_at, event)
