"""Requesting a refund: bounded by what was paid, recorded and sent in one transaction, once a key."""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Sum
from django.utils.translation import gettext

from listings import queries
from listings.messages import refund_requested
from listings.models import Order, Refund
from listings.refusals import KeyReused, NotRefundable, NotYours, OrderNotFound, RefundTooLarge
from microstore.contracts.transactions import REFUND_REQUESTED
from microstore.http.idempotency import hash_request
from microstore.messaging.sending import outbox
from microstore.staff.money import show_amount
from microstore.staff.second_factor import acts_as_staff
from microstore.telemetry.tracing import trace_id_of

MAY_REFUND = "listings.request_refund"
MOST_PARTS = 100  # refunds of one order, before that of all that is left: pages and timelines have them all
REFUNDABLE = (Order.Status.COMPLETED, Order.Status.PARTLY_REFUNDED)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class RefundRequest:
    """A request for a refund; without an amount all that is left of what the buyer paid."""

    order_id: UUID
    requested_by_id: int
    reason: str
    amount_cents: int | None = None
    return_quantity: int = 0
    key: str | None = None
    in_admin: bool = False  # whose sessions have passed the second factor; a token has not

    @property
    def request_hash(self) -> str:
        """The fingerprint that distinguishes a repeat from another request with the same key."""
        said = [str(self.order_id), self.amount_cents, self.return_quantity, self.reason]
        return hash_request(said)


class Left(NamedTuple):
    """Amounts left to refund of an order: requests that are not refused count as refunded."""

    amount_cents: int
    pieces: int


def find_left(order: Order) -> Left:
    """Return what is left to refund; nothing of an order that is not completed."""
    if order.status not in REFUNDABLE or order.total_cents is None:
        return Left(0, 0)
    before = order.refunds.exclude(status=Refund.Status.REFUSED)
    sums = before.aggregate(amount=Sum("amount_cents"), pieces=Sum("return_quantity"))
    return Left(order.total_cents - (sums["amount"] or 0), order.quantity - (sums["pieces"] or 0))


def request_refund(request: RefundRequest) -> tuple[Refund, bool]:
    """Return the refund of the request, and whether it was there before.

    A repeat with the same idempotency key, also a simultaneous one, gets the refund of the first request.
    Raises OrderNotFound, NotYours, NotRefundable, RefundTooLarge or KeyReused, and then nothing has changed.
    """
    try:
        return _request_once(request)
    except IntegrityError:
        # The key is unique: the same one was used at this moment for another order, whose lock this is not.
        earlier = _find_earlier(request)
        if earlier is None:
            raise
        return earlier, True


@transaction.atomic
def _request_once(request: RefundRequest) -> tuple[Refund, bool]:
    # The lock first: of simultaneous requests each finds the refunds of those before it, as of its own key.
    order = queries.lock_orders([request.order_id]).get(request.order_id)
    _ensure_may_refund(order, request)
    assert order is not None
    if earlier := _find_earlier(request):
        return earlier, True
    amount_cents = _ensure_refundable(order, request)
    refund = Refund.objects.create(
        order=order,
        requested_by_id=request.requested_by_id,
        amount_cents=amount_cents,
        return_quantity=request.return_quantity,
        reason=request.reason,
        idempotency_key=request.key,
        request_hash=request.request_hash,
    )
    outbox.send_again(REFUND_REQUESTED, refund_requested(refund))
    log.info(
        "refund_requested",
        order_id=str(order.id),
        refund_id=str(refund.id),
        amount_cents=amount_cents,
        by=request.requested_by_id,
        order_trace_id=trace_id_of(order.trace),
    )
    return refund, False


def _ensure_may_refund(order: Order | None, request: RefundRequest) -> None:
    user = queries.find_account(request.requested_by_id)
    if order and order.listing.seller_id == user.pk:
        return
    if not ((request.in_admin or acts_as_staff(user)) and user.has_perm(MAY_REFUND)):
        if order and order.buyer_id == user.pk:
            raise NotYours(gettext("Only its seller may refund an order."))
        raise OrderNotFound(gettext("You have no such order."))
    if order is None:
        raise OrderNotFound(gettext("There is no such order."))


def _find_earlier(request: RefundRequest) -> Refund | None:
    if request.key is None:
        return None
    own = Refund.objects.filter(requested_by=request.requested_by_id, idempotency_key=request.key)
    earlier = own.select_related("order").first()
    if earlier and earlier.request_hash != request.request_hash:
        raise KeyReused
    return earlier


def _ensure_refundable(order: Order, request: RefundRequest) -> int:
    """Return the amount to refund."""
    if order.status not in REFUNDABLE:
        text = gettext("The order is {status}; nothing is left to refund.")
        raise NotRefundable(text.format(status=order.get_status_display().lower()))
    left = find_left(order)
    amount_cents = left.amount_cents if request.amount_cents is None else request.amount_cents
    if not 0 < amount_cents <= left.amount_cents:
        amount = show_amount(left.amount_cents, order.currency)
        raise RefundTooLarge(gettext("Of what was paid, {amount} are left to refund.").format(amount=amount))
    if amount_cents < left.amount_cents and order.refunds.count() >= MOST_PARTS:
        text = gettext("An order is refunded in {most} parts at most; refund all that is left.")
        raise NotRefundable(text.format(most=MOST_PARTS))
    if request.return_quantity > left.pieces:
        text = gettext("Of this order, {pieces} pieces can go back into the stock.")
        raise RefundTooLarge(text.format(pieces=left.pieces))
    return amount_cents
