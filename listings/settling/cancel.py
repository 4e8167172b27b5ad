"""Buyers cancel what is still pending. The transactions service learns of it, and says that it has.

Here the order row decides: what is cancelled stays so, also when the transactions service has recorded the
sale meanwhile. It then voids what it recorded. Until it has said so, `reconcile` tells it again.
"""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction

from listings import queries
from listings.messages import order_cancelled
from listings.models import Order
from listings.refusals import AlreadySettled, NotYours
from listings.settling.release import release_order
from microstore.contracts.listings import OrderVoided
from microstore.contracts.transactions import ORDER_CANCELLED
from microstore.messaging.sending import outbox


@transaction.atomic
def cancel_order(order_id: UUID, *, buyer_id: int) -> Order:
    """Cancel a pending order: its stock is back, and `order_cancelled` is sent, in one transaction.

    One that is cancelled already stays so. Raises NotYours or AlreadySettled, and then nothing has changed.
    """
    order = queries.lock_orders([order_id])[order_id]
    if order.buyer_id != buyer_id:
        raise NotYours("Only its buyer may cancel an order.")
    if order.status == Order.Status.CANCELLED:
        return order
    if order.status != Order.Status.PENDING:
        raise AlreadySettled(f"The order is {order.status} already.")
    release_order(order, Order.Status.CANCELLED)
    outbox.send_again(ORDER_CANCELLED, order_cancelled(order))
    return order


def confirm_cancellations(voided: Sequence[OrderVoided]) -> None:
    """Note the transactions of cancelled orders: by them it is known that nothing stays recorded."""
    for message in sorted(voided, key=lambda message: message.order_id):
        unconfirmed = Order.objects.filter(status=Order.Status.CANCELLED, transaction_id=None)
        unconfirmed.filter(id=message.order_id).update(transaction_id=message.transaction_id)
