"""Ending an order without a sale: its stock goes back, and the live feed shows it."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import structlog
from django.db import transaction

from listings import queries
from listings.live import push
from listings.models import Listing, LiveEvent, Order
from listings.settling.checkouts import settle_checkouts
from listings.stock import release_stock
from microstore.contracts.listings import ORDER_REJECTED, OrderRejected
from microstore.database.clock import database_now
from microstore.messaging.receiving.contradictions import drop_contradictions

log = structlog.get_logger(__name__)


def reject_orders(rejections: Sequence[OrderRejected]) -> None:
    """Reject the orders that are pending and give their stock back; others stay as they are.

    The rejection of a completed order, or of one of another listing, becomes a dead letter.
    """
    with transaction.atomic():
        orders = queries.lock_orders([rejection.order_id for rejection in rejections])
        agreeing = drop_contradictions(
            ORDER_REJECTED, rejections, lambda each: _find_contradiction(each, orders.get(each.order_id))
        )
        reasons = {rejection.order_id: rejection.reason for rejection in agreeing}
        pending = [
            orders[order_id] for order_id in reasons if orders[order_id].status == Order.Status.PENDING
        ]
        release_orders(pending, Order.Status.REJECTED, reasons=reasons)


def _find_contradiction(rejection: OrderRejected, order: Order | None) -> str | None:
    if order is None:
        return "there is no such order"
    if rejection.listing_id != order.listing_id:
        return "the order is of another listing"
    # A cancelled order may have been refused before its cancellation came; a completed one has a transaction.
    if order.status in (Order.Status.COMPLETED, Order.Status.PARTLY_REFUNDED, Order.Status.REFUNDED):
        return f"the order is {order.status}"
    return None


def release_orders(
    orders: Sequence[Order], status: Order.Status, *, reasons: Mapping[UUID, str] | None = None
) -> None:
    """Settle pending orders that the caller has locked, and their checkouts; `reasons` are by order.

    The caller locks nothing more in this transaction.
    """
    # Listings are locked in the order of their ids, as purchases lock them.
    for order in sorted(orders, key=lambda order: order.listing_id):
        _release_order(order, status, reason=(reasons or {}).get(order.id, ""))
    push.push(settle_checkouts(order.checkout_id for order in orders))


def _release_order(order: Order, status: Order.Status, *, reason: str) -> None:
    # The order before its listing, as everywhere: whoever holds a listing's lock never waits for an order.
    # By the database's clock, by which `reconcile` decides when to send a cancellation again.
    order.status, order.reason, order.settled_at = status, reason, database_now()
    order.save(update_fields=["status", "reason", "settled_at"])
    release_stock(order.listing_id, quantity=order.quantity)
    push.push([LiveEvent.objects.create(**_item_released(order))])
    event = "order_rejected" if status == Order.Status.REJECTED else "order_cancelled"
    log.info(event, order_id=str(order.id), reason=reason, trace_id=order.trace_id)


def _item_released(order: Order) -> dict[str, object]:
    available = Listing.objects.values_list("available", flat=True).get(id=order.listing_id)
    payload = {
        "listing_id": order.listing_id,
        "order_id": str(order.id),
        "quantity": order.quantity,
        "available": available,
        "trace_id": order.trace_id,
    }
    return {
        "type": "item_released",
        "order_id": order.id,
        "listing_id": order.listing_id,
        "payload": payload,
    }
