"""Cancelling a pending order, and the transactions service's confirmation.

The order row decides: a cancelled order stays cancelled, also when the transactions service has recorded the
sale meanwhile. It then voids the transaction and replies; until it has replied, `reconcile` sends the message
again.
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
    """Cancel a pending order: release its stock and send `order_cancelled`, in one transaction.

    An order that is cancelled already stays so. Raises NotYours or AlreadySettled, and then nothing has
    changed.
    """
    # Locked before its status is read: a sale that is being completed at this moment is waited for, and wins.
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
    """Store the transaction ids of cancelled orders, which ends sending `order_cancelled` again."""
    # By ascending order id, as batches of sales lock their orders. A redelivered message finds no row to
    # update.
    for message in sorted(voided, key=lambda message: message.order_id):
        unconfirmed = Order.objects.filter(status=Order.Status.CANCELLED, transaction_id=None)
        unconfirmed.filter(id=message.order_id).update(transaction_id=message.transaction_id)
