"""Settling refunds: what the transactions service has decided about them."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

import structlog
from django.db import transaction

from listings import queries
from listings.live import push
from listings.messages import order_refund_refused, refund_completed
from listings.models import Listing, LiveEvent, Order, Refund
from listings.stock import release_stock
from microstore.contracts.contract import Contract
from microstore.contracts.listings import (
    ORDER_REFUNDED,
    REFUND_REFUSED,
    OrderRefunded,
    OrderRefundRefused,
    RefundCompleted,
    RefundMessage,
    RefundRefused,
)
from microstore.database.clock import database_now
from microstore.messaging.receiving.contradictions import drop_contradictions

AnyDecision = TypeVar("AnyDecision", bound=RefundMessage)
Refunds = dict[UUID, Refund]

log = structlog.get_logger(__name__)


def complete_refunds(refunded: Sequence[OrderRefunded]) -> list[RefundCompleted]:
    """Refund the orders, give stock back where it was wanted, and return the fact of each refund.

    A redelivered message changes nothing; its fact is returned again, since the worker may have died before
    it was published. One that contradicts its refund becomes a dead letter.
    """
    with transaction.atomic():
        agreeing, refunds = _lock_agreeing(ORDER_REFUNDED, refunded, _find_contradiction)
        # Orders are locked by now; their listings are, one after the other, in the order of their ids.
        for message in sorted(agreeing, key=lambda message: (message.listing_id, message.refund_id)):
            refund = refunds[message.refund_id]
            if refund.status == Refund.Status.REQUESTED:
                _complete(refund, message)
    return [refund_completed(refunds[message.refund_id], message) for message in agreeing]


def refuse_refunds(refused: Sequence[RefundRefused]) -> list[OrderRefundRefused]:
    """Store why the refunds are refused, and return the fact of each; their orders stay as they are."""
    with transaction.atomic():
        agreeing, refunds = _lock_agreeing(REFUND_REFUSED, refused, _find_contradiction_of_refusal)
        for message in agreeing:
            refund = refunds[message.refund_id]
            if refund.status == Refund.Status.REQUESTED:
                _settle(refund, Refund.Status.REFUSED, refusal=message.reason)
    return [order_refund_refused(refunds[message.refund_id], message) for message in agreeing]


def _lock_agreeing(
    contract: Contract[..., AnyDecision],
    messages: Sequence[AnyDecision],
    find_contradiction: Callable[[AnyDecision, Refund], str | None],
) -> tuple[list[AnyDecision], Refunds]:
    # The orders' locks guard their refunds, too: nobody writes a refund without the lock of its order.
    orders = queries.lock_orders([message.order_id for message in messages])
    refunds = Refund.objects.in_bulk([message.refund_id for message in messages])
    for refund in refunds.values():
        if order := orders.get(refund.order_id):
            refund.order = order  # one object an order, so that two refunds of it add up

    def find(message: AnyDecision) -> str | None:
        refund = refunds.get(message.refund_id)
        if refund is None:
            return "there is no such refund"
        if (message.order_id, message.listing_id) != (refund.order_id, refund.order.listing_id):
            return "the refund is of another order"
        return find_contradiction(message, refund)

    return drop_contradictions(contract, messages, find), refunds


def _find_contradiction(message: OrderRefunded, refund: Refund) -> str | None:
    order = refund.order
    if refund.status == Refund.Status.REFUSED:
        return "the refund is refused"
    if (message.amount_cents, message.currency) != (refund.amount_cents, order.currency):
        return "the refund is of another amount"
    if message.transaction_id != order.transaction_id:
        return "the refund is of another transaction"
    if message.fee_cents > min(refund.amount_cents, order.fee_cents or 0):
        return "the refund has more of a fee than was paid"
    if refund.fee_cents not in (None, message.fee_cents):
        return "the refund has another fee"
    return None


def _find_contradiction_of_refusal(message: RefundRefused, refund: Refund) -> str | None:
    return "it is refunded" if refund.status == Refund.Status.REFUNDED else None


def _complete(refund: Refund, message: OrderRefunded) -> None:
    order = refund.order
    order.refunded_cents += message.amount_cents
    order.returned_quantity += refund.return_quantity
    whole = order.refunded_cents == order.total_cents
    order.status = Order.Status.REFUNDED if whole else Order.Status.PARTLY_REFUNDED
    order.save(update_fields=["refunded_cents", "returned_quantity", "status"])
    if refund.return_quantity:
        release_stock(order.listing_id, quantity=refund.return_quantity)
    push.push([_live_event(refund)])
    _settle(refund, Refund.Status.REFUNDED, fee_cents=message.fee_cents)


def _live_event(refund: Refund) -> LiveEvent:
    # Only what becomes available again is everybody's business; the parties get their order in both cases.
    order = refund.order
    payload = {"listing_id": order.listing_id, "order_id": str(order.id)}
    if refund.return_quantity:
        available = Listing.objects.values_list("available", flat=True).get(id=order.listing_id)
        payload |= {"quantity": refund.return_quantity, "available": available}
    # Its lock is held, so that no other refund of the order is counted at this moment.
    part = order.refunds.filter(status=Refund.Status.REFUNDED).count() + 1
    kind = "item_returned" if refund.return_quantity else "order_refunded"
    return LiveEvent.objects.create(
        type=kind, part=part, order_id=order.id, listing_id=order.listing_id, payload=payload
    )


def _settle(
    refund: Refund, status: Refund.Status, *, fee_cents: int | None = None, refusal: str = ""
) -> None:
    refund.status, refund.fee_cents, refund.refusal = status, fee_cents, refusal
    refund.settled_at = database_now()
    refund.save(update_fields=["status", "fee_cents", "refusal", "settled_at"])
    log.info(
        "order_refunded" if status == Refund.Status.REFUNDED else "refund_refused",
        order_id=str(refund.order_id),
        refund_id=str(refund.id),
        amount_cents=refund.amount_cents,
        reason=refusal,
        trace_id=refund.order.trace_id,
    )
