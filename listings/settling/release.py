"""How an order ends without a sale: its stock goes back, and the live feed says so."""

import structlog
from django.utils import timezone

from listings import queries
from listings.live import push
from listings.models import Listing, LiveEvent, Order

log = structlog.get_logger(__name__)


def release_order(order: Order, status: Order.Status, *, reason: str = "") -> None:
    """Settle a pending order that the caller has locked; of several, listings in the order of their ids."""
    order.status, order.reason, order.settled_at = status, reason, timezone.now()
    order.save(update_fields=["status", "reason", "settled_at"])
    queries.release_stock(order.listing_id, quantity=order.quantity)
    push.push([LiveEvent.objects.create(**_item_released(order))])
    told = {"order_id": str(order.id), "reason": reason, "trace_id": order.trace_id}
    log.info("order_rejected" if status == Order.Status.REJECTED else "order_cancelled", **told)


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
