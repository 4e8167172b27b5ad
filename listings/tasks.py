"""Which message is answered by what."""

from collections.abc import Sequence

from listings.buying import purchase
from listings.notifications import tasks as notifications
from listings.settling import cancel
from microstore.contracts.contract import Message
from microstore.contracts.listings import (
    ITEM_SOLD,
    ORDER_COMPLETED,
    ORDER_REJECTED,
    ORDER_VOIDED,
    ItemSold,
    OrderRejected,
    OrderVoided,
)
from microstore.messaging.receiving.consumer import handles, publish

__all__ = ["notifications"]  # importing it is what makes its handlers known


@handles(ITEM_SOLD)
def item_sold(events: list[ItemSold]) -> Sequence[Message]:
    """Complete the orders, push them to the browsers, and tell whoever listens."""
    publish(ORDER_COMPLETED, purchase.complete_orders(events))
    return []


@handles(ORDER_REJECTED)
def order_rejected(events: list[OrderRejected]) -> Sequence[Message]:
    """Reject the orders and give their stock back."""
    purchase.reject_orders(events)
    return []


@handles(ORDER_VOIDED)
def order_voided(events: list[OrderVoided]) -> Sequence[Message]:
    """Note that the transactions service knows of the cancelled orders."""
    cancel.confirm_cancellations(events)
    return []
