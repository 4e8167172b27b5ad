"""Cancelling a pending order, and the transactions service's confirmation.

The order row decides: a cancelled order stays cancelled, also when the transactions service has recorded the
sale meanwhile. It then voids the transaction and replies; until it has replied, `reconcile` sends the message
again.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext

from listings import queries
from listings.messages import order_cancelled
from listings.models import Order
from listings.refusals import AlreadySettled, NotYours, TooManyCancellations
from listings.settling.release import release_orders
from microstore.contracts.listings import ORDER_VOIDED, OrderVoided
from microstore.contracts.transactions import ORDER_CANCELLED
from microstore.database.clock import database_now
from microstore.messaging.receiving.contradictions import drop_contradictions
from microstore.messaging.sending import outbox
from microstore.staff.lists import first_id_at

WINDOW = timedelta(hours=1)


@transaction.atomic
def cancel_order(order_id: UUID, *, buyer_id: int) -> Order:
    """Cancel a pending order: release its stock and send `order_cancelled`, in one transaction.

    An order that is cancelled already stays so. Raises NotYours, AlreadySettled or TooManyCancellations, and
    then nothing has changed.
    """
    # Locked before its status is read: a sale that is being completed at this moment is waited for, and wins.
    order = queries.lock_orders([order_id])[order_id]
    if order.buyer_id != buyer_id:
        raise NotYours(gettext("Only its buyer may cancel an order."))
    if order.status == Order.Status.CANCELLED:
        return order
    if order.status != Order.Status.PENDING:
        text = gettext("The order is {status} already.")
        raise AlreadySettled(text.format(status=order.get_status_display().lower()))
    _ensure_may_cancel(buyer_id)
    release_orders([order], Order.Status.CANCELLED)
    outbox.send_again(ORDER_CANCELLED, order_cancelled(order))
    return order


def _ensure_may_cancel(buyer_id: int) -> None:
    # By the ids of the orders, which begin with their time, and an index that there is anyway.
    lately = Order.objects.filter(buyer_id=buyer_id, id__gte=first_id_at(database_now() - WINDOW))
    most = settings.MAX_CANCELLATIONS_PER_HOUR
    if most and lately.filter(status=Order.Status.CANCELLED).count() >= most:
        text = gettext("You have cancelled {most} orders within the hour; this one settles.")
        raise TooManyCancellations(text.format(most=most))


@transaction.atomic
def confirm_cancellations(voided: Sequence[OrderVoided]) -> None:
    """Store the transaction ids of cancelled orders, which ends sending `order_cancelled` again.

    The confirmation of an order that is not cancelled, or by another transaction, becomes a dead letter.
    """
    # Locked by ascending order id, as batches of sales lock their orders. A redelivered message finds its
    # own transaction.
    orders = queries.lock_orders([message.order_id for message in voided])
    for message in drop_contradictions(
        ORDER_VOIDED, voided, lambda each: _find_contradiction(each, orders.get(each.order_id))
    ):
        unconfirmed = Order.objects.filter(id=message.order_id, transaction_id=None)
        unconfirmed.update(transaction_id=message.transaction_id)


def _find_contradiction(message: OrderVoided, order: Order | None) -> str | None:
    if order is None:
        return "there is no such order"
    if message.listing_id != order.listing_id:
        return "the order is of another listing"
    if order.status != Order.Status.CANCELLED:
        return f"the order is {order.status}"
    if order.transaction_id not in (None, message.transaction_id):
        return "the order is voided by another transaction"
    return None
