"""Ending an order without a sale: its stock goes back, and the live feed shows it."""

from collections.abc import Sequence

import structlog
from django.db import transaction
from django.utils import timezone

from listings import queries
from listings.live import push
from listings.models import Listing, LiveEvent, Order
from listings.stock import release_stock
from microstore.contracts.listings import OrderRejected

log = structlog.get_logger(__name__)


def reject_orders(rejections: Sequence[OrderRejected]) -> None:
    """Reject the orders that are pending and give their stock back; others stay as they are."""
    by_order = {rejection.order_id: rejection for rejection in rejections}
    with transaction.atomic():
        orders = queries.lock_orders(list(by_order))
        pending = [order for order in orders.values() if order.status == Order.Status.PENDING]
        # Listings are locked in the order of their ids, as purchases lock them.
        for order in sorted(pending, key=lambda order: order.listing_id):
            release_order(order, Order.Status.REJECTED, reason=by_order[order.id].reason)


def release_order(order: Order, status: Order.Status, *, reason: str = "") -> None:
    """Settle a pending order that the caller has locked; of several orders, by ascending listing id."""
    # The order before its listing, as everywhere: whoever holds a listing's lock never waits for an order.
    order.status, order.reason, order.settled_at = status, reason, timezone.now()
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
