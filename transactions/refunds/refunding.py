"""Refunding orders: each request is decided once, and what is refunded is posted in the same transaction."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Sum

from microstore.contracts.transactions import REFUND_REQUESTED, RefundRequested
from microstore.messaging.receiving.contradictions import drop_contradictions
from microstore.staff.money import show_amount
from microstore.telemetry.tracing import trace_id_of
from transactions import queries
from transactions.ledger.posting import post
from transactions.models import Transaction
from transactions.refunds.models import Refund
from transactions.refunds.shares import commission_share_cents, fee_share_cents

log = structlog.get_logger(__name__)

Sold = dict[UUID, Transaction]


@transaction.atomic
def refund_orders(requests: Sequence[RefundRequested]) -> list[Refund]:
    """Decide about each request once; return the decisions about all of them, new or not.

    Never more is refunded than was paid. A request that contradicts the decision about its refund, or the
    order's listing or currency, has no reply and becomes a dead letter.
    """
    sold = queries.lock_transactions({request.order_id for request in requests})
    decided = Refund.objects.in_bulk({request.refund_id for request in requests})
    agreeing = drop_contradictions(
        REFUND_REQUESTED, requests, lambda each: _find_contradiction(each, decided.get(each.refund_id), sold)
    )
    left = _amounts_left(sold)
    new: dict[UUID, Refund] = {}
    for request in agreeing:
        if request.refund_id not in decided and request.refund_id not in new:
            new[request.refund_id] = _decide(request, sold.get(request.order_id), left)
    _store(list(new.values()), sold)
    # Read again: of an order without a transaction, which nothing locks, another worker's row may be there.
    stored = Refund.objects.in_bulk({request.refund_id for request in agreeing})
    return [stored[refund_id] for refund_id in sorted(stored)]


def _amounts_left(sold: Sold) -> dict[UUID, int]:
    refunded = Refund.objects.filter(
        transaction__in=[row.pk for row in sold.values()], status=Refund.Status.REFUNDED
    )
    sums = dict(refunded.values_list("order_id").annotate(Sum("amount_cents")))
    return {order_id: (row.total_cents or 0) - sums.get(order_id, 0) for order_id, row in sold.items()}


def _decide(request: RefundRequested, sold: Transaction | None, left: dict[UUID, int]) -> Refund:
    refund = Refund(
        id=request.refund_id,
        order_id=request.order_id,
        transaction=sold,
        listing_id=request.listing_id,
        amount_cents=request.amount_cents,
        currency=request.currency,
        status=Refund.Status.REFUNDED,
        # Of an order that is unknown here, nobody would find it when the account is deleted.
        reason=request.reason if sold else "",
        trace=request.trace,
    )
    refund.refusal = _find_refusal(request, sold, left)
    if refund.refusal or not sold or not sold.total_cents:
        refund.status = Refund.Status.REFUSED
        return refund
    before_cents = sold.total_cents - left[request.order_id]
    fee = partial(fee_share_cents, fee_cents=sold.fee_cents or 0, total_cents=sold.total_cents)
    refund.fee_cents = fee(request.amount_cents, before_cents=before_cents)
    refund.commission_cents = commission_share_cents(
        request.amount_cents - refund.fee_cents,
        before_cents=before_cents - fee(before_cents, before_cents=0),
        commission_cents=sold.commission_cents,
        price_cents=max(1, sold.price_cents),
    )
    left[request.order_id] -= request.amount_cents
    return refund


def _find_refusal(request: RefundRequested, sold: Transaction | None, left: dict[UUID, int]) -> str:
    if sold is None:
        return "Nothing is recorded for this order."
    if sold.status != Transaction.Status.RECORDED:
        return f"The order's transaction is {sold.status}."
    if request.amount_cents > left[request.order_id]:
        amount = show_amount(left[request.order_id], sold.currency)
        return f"Of what was paid, {amount} are left to refund."
    return ""


def _store(refunds: Sequence[Refund], sold: Sold) -> None:
    if not refunds:
        return
    Refund.objects.bulk_create(refunds, ignore_conflicts=True)
    refunded = [refund.pk for refund in refunds if refund.status == Refund.Status.REFUNDED]
    # Sales of a release without a ledger first, so that there is something to reverse.
    post("post_sales", [row.pk for row in sold.values()])
    post("post_refunds", refunded)
    for refund in refunds:
        event = "order_refunded" if refund.status == Refund.Status.REFUNDED else "refund_refused"
        log.info(
            event,
            order_id=str(refund.order_id),
            refund_id=str(refund.pk),
            amount_cents=refund.amount_cents,
            reason=refund.refusal,
            trace_id=trace_id_of(refund.trace),
        )


def _find_contradiction(request: RefundRequested, decided: Refund | None, sold: Sold) -> str | None:
    for stored, fields in (
        (decided, ("order_id", "listing_id", "amount_cents", "currency")),
        (sold.get(request.order_id), ("listing_id", "currency")),
    ):
        for field in fields if stored else ():
            if getattr(request, field) != getattr(stored, field):
                of = "refund" if stored is decided else "order"
                return f"the {of} is recorded with another {field}"
    return None
