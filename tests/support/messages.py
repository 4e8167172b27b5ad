"""Messages as the services send them to each other, by default about an armchair."""

from uuid import UUID

from uuid_utils.compat import uuid7

from microstore.contracts.listings import (
    ITEM_SOLD,
    ORDER_REJECTED,
    ORDER_VOIDED,
    ItemSold,
    OrderRejected,
    OrderVoided,
)
from microstore.contracts.transactions import (
    ORDER_CANCELLED,
    ORDER_CREATED,
    REFUND_REQUESTED,
    OrderCancelled,
    OrderCreated,
    RefundRequested,
)
from microstore.telemetry.tracing import new_trace

CURRENCIES = ("EUR", "JPY", "KWD")  # with 2, 0 and 3 digits of the minor unit


def item_sold(
    order_id: UUID, *, price_cents: int = 24_900, listing_id: int = 1, transaction_id: UUID | None = None
) -> ItemSold:
    """The transactions service has recorded the sale."""
    return ITEM_SOLD(
        order_id=order_id,
        listing_id=listing_id,
        transaction_id=transaction_id or uuid7(),
        fee_cents=100,
        total_cents=price_cents + 100,
        fee_rule="2026-11/EUR/furniture",
        trace=new_trace(),
    )


def order_rejected(
    order_id: UUID, *, reason: str = "no fee is set for XTS", listing_id: int = 1
) -> OrderRejected:
    """The transactions service will not record the sale."""
    return ORDER_REJECTED(order_id=order_id, listing_id=listing_id, reason=reason, trace=new_trace())


def order_created(
    *,
    order_id: UUID | None = None,
    currency: str = "EUR",
    quantity: int = 1,
    unit_price_cents: int = 24_900,
    buyer_id: int = 2,
    seller_id: int = 1,
) -> OrderCreated:
    """Somebody has ordered an armchair."""
    return ORDER_CREATED(
        order_id=order_id or uuid7(),
        listing_id=7,
        buyer_id=buyer_id,
        seller_id=seller_id,
        quantity=quantity,
        unit_price_cents=unit_price_cents,
        currency=currency,
        category="furniture",
        title="Crunchy armchair",
        description="It creaks.",
        picture="/media/armchair.webp",
        trace=new_trace(),
    )


def order_cancelled(created: OrderCreated) -> OrderCancelled:
    """Its buyer has cancelled it."""
    return ORDER_CANCELLED(**created.model_dump(exclude={"event_id"}))


def order_voided(order_id: UUID, *, listing_id: int = 1, transaction_id: UUID | None = None) -> OrderVoided:
    """The transactions service knows that it is cancelled."""
    return ORDER_VOIDED(
        order_id=order_id,
        listing_id=listing_id,
        transaction_id=transaction_id or uuid7(),
        trace=new_trace(),
    )


def refund_requested(
    order: OrderCreated, amount_cents: int, *, refund_id: UUID | None = None
) -> RefundRequested:
    """The seller refunds so much of the order."""
    return REFUND_REQUESTED(
        refund_id=refund_id or uuid7(),
        order_id=order.order_id,
        listing_id=order.listing_id,
        amount_cents=amount_cents,
        currency=order.currency,
        reason="A leg is loose",
        trace=order.trace,
    )
