"""Completing orders: a batch by one statement, which also stores their events of the live feed."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from django.db import connection, transaction

from listings import metrics
from listings.live import push
from listings.messages import order_completed
from listings.models import LiveEvent, Order
from listings.settling.checkouts import settle_checkouts
from microstore.contracts.listings import ITEM_SOLD, ItemSold, OrderCompleted
from microstore.messaging.receiving.contradictions import drop_contradictions
from microstore.telemetry.tracing import trace_id_of

log = structlog.get_logger(__name__)

EVENT = "item_sold"
COLUMNS_OF_SALE = {"order_id", "listing_id", "transaction_id", "fee_cents", "total_cents", "fee_rule"}
# Pending orders are locked in the order of their ids, so that two batches cannot wait for each other. A
# second delivery of a sale, also a simultaneous one, waits for the lock and then finds the order no longer
# pending. A sale at another price than the order's completes nothing: whoever may publish to the queue could
# otherwise settle an order at any amount. Subtracted, since a sum could be out of bigint's range.
COMPLETE = """
WITH sale AS (
    SELECT * FROM json_to_recordset(%s)
    AS sale (
        order_id uuid, listing_id bigint, transaction_id uuid, fee_cents bigint, total_cents bigint,
        fee_rule text
    )
),
pending AS (
    SELECT id FROM listings_order WHERE id IN (SELECT order_id FROM sale) AND status = 'pending'
        AND (checkout_id IS NOT NULL) = %s
    ORDER BY id FOR UPDATE
), completed AS (
    UPDATE listings_order SET status = 'completed', settled_at = now(), transaction_id = sale.transaction_id,
        fee_cents = sale.fee_cents, total_cents = sale.total_cents, fee_rule = sale.fee_rule
    FROM sale JOIN pending ON pending.id = sale.order_id
    WHERE listings_order.id = pending.id AND listings_order.listing_id = sale.listing_id
        AND listings_order.unit_price_cents * listings_order.quantity = sale.total_cents - sale.fee_cents
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
    completed.created_at, completed.settled_at, event.seq, event.payload, completed.checkout_id
FROM completed JOIN listings_listing listing ON listing.id = completed.listing_id
    JOIN event ON event.order_id = completed.id
ORDER BY event.seq
"""
FIELDS = (
    *("id", "listing_id", "buyer_id", "listing__seller_id", "quantity", "currency"),
    *("transaction_id", "fee_cents", "total_cents", "trace"),
)


class Completed(NamedTuple):
    """A completed order: the fields of its fact."""

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


class NewlyCompleted(NamedTuple):
    """An order that was pending until now, its event of the live feed, and its checkout."""

    order: Completed
    created_at: datetime
    settled_at: datetime
    event: LiveEvent
    checkout_id: UUID | None


def complete_orders(sales: Sequence[ItemSold]) -> list[OrderCompleted]:
    """Complete the orders that are pending and push them to the live feed; return the fact of each order.

    A redelivered sale finds its order completed. Its event and its fact are published again, since the worker
    may have died between the commit and publishing them; whoever receives both drops one by its id. A sale
    that contradicts its order becomes a dead letter.
    """
    # Committed before anything is published: whoever receives the event reads a completed order.
    new = _complete_pending(sales)
    push.push([each.event for each in new])
    others = _without(sales, new)
    of_checkouts = _complete_of_checkouts(others)
    new += of_checkouts
    for order in (each.order for each in new):
        trace_id = trace_id_of(order.trace)
        log.info("item_sold", order_id=str(order.order_id), listing_id=order.listing_id, trace_id=trace_id)
    metrics.observe_time_to_truth(each.settled_at - each.created_at for each in new)
    before = _find_completed_before(_without(others, of_checkouts))
    push.push_again([order.order_id for order in before])
    return [order_completed(order._asdict()) for order in [*(each.order for each in new), *before]]


def _without(sales: Sequence[ItemSold], completed: Sequence[NewlyCompleted]) -> list[ItemSold]:
    sold = {(each.order.order_id, *_figures(each.order)) for each in completed}
    return [sale for sale in sales if (sale.order_id, *_figures(sale)) not in sold]


def _complete_of_checkouts(sales: Sequence[ItemSold]) -> list[NewlyCompleted]:
    # Apart from the others, whose one statement needs no transaction around it.
    if not sales:
        return []
    with transaction.atomic():
        new = _complete_pending(sales, of_checkouts=True)
        settled = settle_checkouts(each.checkout_id for each in new)
        push.push([*(each.event for each in new), *settled])
    return new


def _complete_pending(sales: Sequence[ItemSold], *, of_checkouts: bool = False) -> list[NewlyCompleted]:
    if not sales:
        return []
    rows = json.dumps([sale.model_dump(mode="json", include=COLUMNS_OF_SALE) for sale in sales])
    with connection.cursor() as cursor:
        cursor.execute(COMPLETE, [rows, of_checkouts])
        return [_read_row(row) for row in cursor.fetchall()]


def _find_completed_before(sales: Sequence[ItemSold]) -> list[Completed]:
    """Return the orders that these sales have completed earlier; dead-letter those that contradict them."""
    if not sales:
        return []
    found = Order.objects.in_bulk({sale.order_id for sale in sales})
    agreeing = drop_contradictions(
        ITEM_SOLD, sales, lambda sale: _find_contradiction(sale, found.get(sale.order_id))
    )
    agreed = {sale.order_id for sale in agreeing}
    # Also those that are refunded meanwhile: they were completed before, and the fact may have been lost.
    completed = Order.objects.filter(id__in=agreed, transaction_id__isnull=False).order_by("id")
    completed = completed.exclude(status=Order.Status.CANCELLED)
    return [Completed(*row) for row in completed.values_list(*FIELDS)]


def _find_contradiction(sale: ItemSold, order: Order | None) -> str | None:
    if order is None:
        return "there is no such order"
    if sale.listing_id != order.listing_id:
        return "the order is of another listing"
    if sale.total_cents - sale.fee_cents != order.unit_price_cents * order.quantity:
        return "the total is not the order's price and the fee"
    if order.status == Order.Status.REJECTED:
        return "the order is rejected"
    # A cancelled order may have been sold meanwhile: its transaction is voided, and by its id alone known.
    is_settled = order.status != Order.Status.CANCELLED
    known = _figures(order) if is_settled else (order.transaction_id or sale.transaction_id,)
    return None if known == _figures(sale)[: len(known)] else f"the order is {order.status} by another sale"


def _figures(sale: ItemSold | Completed | Order) -> tuple[UUID | None, int | None, int | None]:
    return sale.transaction_id, sale.fee_cents, sale.total_cents


def _read_row(row: tuple[Any, ...]) -> NewlyCompleted:
    order = Completed(*row[: len(FIELDS)])
    created_at, settled_at, seq, payload, checkout_id = row[len(FIELDS) :]
    event = LiveEvent(seq=seq, type=EVENT, payload=json.loads(payload))
    return NewlyCompleted(order, created_at, settled_at, event, checkout_id)
