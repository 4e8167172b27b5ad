"""Replies of the transactions service to stored orders; about one that nobody made, to an armchair's."""

from functools import cache
from uuid import UUID

from uuid_utils.compat import uuid7

from listings.models import Listing, Order, Refund
from microstore.contracts.listings import (
    ORDER_REFUNDED,
    REFUND_REFUSED,
    ItemSold,
    OrderRefunded,
    OrderRejected,
    OrderVoided,
    RefundRefused,
)
from tests.support import messages


def item_sold(order_id: UUID) -> ItemSold:
    """The order's sale, with a fee of 100: the same, however often it is sent."""
    order = Order.objects.filter(pk=order_id).first() or Order(
        listing=Listing(pk=1), unit_price_cents=24_900, quantity=1
    )
    return messages.item_sold(
        order_id,
        price_cents=order.unit_price_cents * order.quantity,
        listing_id=order.listing_id,
        transaction_id=transaction_of(order_id),
    )


def order_rejected(order_id: UUID, *, reason: str = "no fee is set for XTS") -> OrderRejected:
    """The order's refusal."""
    return messages.order_rejected(order_id, reason=reason, listing_id=_listing_of(order_id))


def order_voided(order_id: UUID) -> OrderVoided:
    """The confirmation of the order's cancellation."""
    return messages.order_voided(
        order_id, listing_id=_listing_of(order_id), transaction_id=transaction_of(order_id)
    )


@cache
def transaction_of(order_id: UUID) -> UUID:
    """The one transaction that an order may have."""
    return uuid7()


def _listing_of(order_id: UUID) -> int:
    return Order.objects.filter(pk=order_id).values_list("listing_id", flat=True).first() or 1


def order_refunded(refund: Refund, **changed: object) -> OrderRefunded:
    """The refund, with a fee of 1 in it: the same, however often it is sent."""
    fields = {
        "refund_id": refund.pk,
        "order_id": refund.order_id,
        "listing_id": refund.order.listing_id,
        "transaction_id": transaction_of(refund.order_id),
        "amount_cents": refund.amount_cents,
        "fee_cents": 1,
        "currency": refund.order.currency,
        "trace": refund.order.trace,
    }
    return ORDER_REFUNDED(**fields | changed)  # type: ignore[arg-type]  # of a test's choice


def refund_refused(refund: Refund) -> RefundRefused:
    """The refund's refusal."""
    return REFUND_REFUSED(
        refund_id=refund.pk,
        order_id=refund.order_id,
        listing_id=refund.order.listing_id,
        reason="The order's transaction is voided.",
        trace=refund.order.trace,
    )
