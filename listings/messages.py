"""Every message that the listings service sends is built here, and nowhere else."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid5

from listings.models import Order, picture_path
from microstore.contracts.listings import ORDER_COMPLETED, OrderCompleted
from microstore.contracts.transactions import (
    ORDER_CANCELLED,
    ORDER_CREATED,
    OrderCancelled,
    OrderCreated,
)


def order_created(order: Order) -> OrderCreated:
    """Return the message that has the order recorded, for a new order or one that is sent again."""
    item = order.item
    return ORDER_CREATED(
        order_id=order.id,
        listing_id=order.listing_id,
        buyer_id=order.buyer_id,
        seller_id=order.listing.seller_id,
        quantity=order.quantity,
        unit_price_cents=order.unit_price_cents,
        currency=order.currency,
        category=item.category,
        title=item.title,
        description=item.description,
        picture=picture_path(item.picture_id),
        trace=order.trace,
    )


def order_cancelled(order: Order) -> OrderCancelled:
    """Return the message that has the order voided: the same event, however often it is built."""
    # The id is derived from the order: `reconcile` sends the message again, and by
    # the same id its notification is stored once.
    fields = order_created(order).model_dump(exclude={"event_id"})
    return ORDER_CANCELLED(event_id=uuid5(order.id, ORDER_CANCELLED.name), **fields)


def order_completed(order: Mapping[str, Any]) -> OrderCompleted:
    """Return the fact that the order is completed: the same event, however often it is built."""
    # A redelivered sale publishes the fact again; by the same id its notification is stored once.
    return ORDER_COMPLETED(event_id=uuid5(order["order_id"], ORDER_COMPLETED.name), **order)
