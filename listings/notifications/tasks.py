"""Which fact is answered by what in the notifications worker."""

from collections.abc import Sequence

from listings.notifications.models import Notification
from listings.notifications.services import notify
from microstore.contracts.contract import Message
from microstore.contracts.listings import ORDER_COMPLETED, ORDER_REJECTED, OrderCompleted, OrderRejected
from microstore.contracts.notifications import NOTIFICATIONS
from microstore.contracts.transactions import ORDER_CANCELLED, ORDER_CREATED, OrderCancelled, OrderCreated
from microstore.messaging.receiving.consumer import handles_fact

Kind = Notification.Kind


@handles_fact(ORDER_CREATED, listener=NOTIFICATIONS)
def order_created(events: list[OrderCreated]) -> Sequence[Message]:
    """Nobody is told: it settles within a second or so, and that is told."""
    return []


@handles_fact(ORDER_COMPLETED, listener=NOTIFICATIONS)
def order_completed(events: list[OrderCompleted]) -> Sequence[Message]:
    """Tell buyer and seller of the sale."""
    notify(Kind.ORDER_COMPLETED, events)
    return []


@handles_fact(ORDER_REJECTED, listener=NOTIFICATIONS)
def order_rejected(events: list[OrderRejected]) -> Sequence[Message]:
    """Tell them that there is none, and why."""
    notify(Kind.ORDER_REJECTED, events)
    return []


@handles_fact(ORDER_CANCELLED, listener=NOTIFICATIONS)
def order_cancelled(events: list[OrderCancelled]) -> Sequence[Message]:
    """Tell them that the buyer cancelled."""
    notify(Kind.ORDER_CANCELLED, events)
    return []
