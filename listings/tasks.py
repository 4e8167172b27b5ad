"""Which message is answered by what."""

from collections.abc import Sequence

from listings import cancelling, services
from listings.notifications import tasks as notifications
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
from microstore.messaging.consumer import handles, tell

__all__ = ["notifications"]  # importing it is what makes its handlers known


@handles(ITEM_SOLD)
def item_sold(events: list[ItemSold]) -> Sequence[Message]:
    """Complete the orders, push them to the browsers, and tell whoever listens."""
    tell(ORDER_COMPLETED, services.complete_orders(events))
    return []


@handles(ORDER_REJECTED)
def order_rejected(events: list[OrderRejected]) -> Sequence[Message]:
    """Reject the orders and give their stock back."""
    services.reject_orders(events)
    return []


@handles(ORDER_VOIDED)
def order_voided(events: list[OrderVoided]) -> Sequence[Message]:
    """Note that the transactions service knows of the cancelled orders."""
    cancelling.confirm_cancellations(events)
    return []
