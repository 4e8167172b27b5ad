"""Messages to the transactions service."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from microstore.contracts.contract import Cents, Contract, Currency, Id, Quantity
from microstore.contracts.listings import (
    ITEM_SOLD,
    ORDER_REFUNDED,
    ORDER_VOIDED,
    OrderMessage,
    Reason,
    RefundMessage,
)

CHARACTERS = "[A-Za-z0-9._-]"
FEE_VERSION = rf"{CHARACTERS}{{1,32}}"  # of a fee schedule

Category = Annotated[str, Field(max_length=50)]
Title = Annotated[str, Field(max_length=200)]
Description = Annotated[str, Field(max_length=10_000)]
Picture = Annotated[str, Field(max_length=500)]
FeeVersion = Annotated[str, Field(pattern=rf"^{CHARACTERS}{{0,32}}$")]  # "": nothing was quoted


class OrderCreated(OrderMessage):
    """A buyer's order was accepted and its stock reserved, at the listing's price of that moment."""

    order_id: UUID
    listing_id: Id
    buyer_id: Id
    quantity: Quantity
    seller_id: Id
    unit_price_cents: Cents
    currency: Currency
    # The listing as the buyer saw it, since its seller may change it later; empty in messages of old senders.
    category: Category = ""
    title: Title = ""
    description: Description = ""
    picture: Picture = ""
    # Of the schedule by which the buyer was quoted a fee, and is charged; empty: the one at that time.
    fee_version: FeeVersion = ""


class OrderExpired(OrderCreated):
    """The order was never settled: no transaction is to be recorded from now on, unless one has been."""


class OrderCancelled(OrderCreated):
    """The buyer has cancelled while it was pending: nothing is to be recorded, or what is has to be voided.

    Has all fields of OrderCreated, since it may be delivered before it.
    """


class RefundRequested(RefundMessage):
    """So much of what the buyer paid for an order is to be refunded, with its share of the fee in it."""

    amount_cents: Annotated[int, Field(strict=True, ge=1)]
    currency: Currency
    reason: Reason


ORDER_CREATED = Contract(
    "order_created", OrderCreated, to="transactions", reply=ITEM_SOLD, fact="order.created"
)
ORDER_EXPIRED = Contract("order_expired", OrderExpired, to="transactions", reply=ITEM_SOLD)
ORDER_CANCELLED = Contract(
    "order_cancelled", OrderCancelled, to="transactions", reply=ORDER_VOIDED, fact="order.cancelled"
)
REFUND_REQUESTED = Contract("refund_requested", RefundRequested, to="transactions", reply=ORDER_REFUNDED)
