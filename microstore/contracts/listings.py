"""Messages to the listings service, and the facts that it publishes."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from microstore.contracts.contract import Cents, Contract, Currency, Id, Message, Quantity

Reason = Annotated[str, Field(min_length=1, max_length=500)]
FeeRule = Annotated[str, Field(max_length=100)]
OrderIds = Annotated[list[UUID], Field(min_length=1)]


class OrderMessage(Message):
    """A message about one order, by which two of them are compared."""

    key_field: ClassVar[str] = "order_id"


class ItemSold(OrderMessage):
    """The transactions service has recorded the sale."""

    order_id: UUID
    listing_id: Id
    transaction_id: UUID
    fee_cents: Cents
    total_cents: Cents
    fee_rule: FeeRule = ""  # with the version of its schedule; empty in messages of old senders


class OrderRejected(OrderMessage):
    """The transactions service will not record the sale; the stock goes back."""

    order_id: UUID
    listing_id: Id
    reason: Reason


class OrderVoided(OrderMessage):
    """The transactions service knows that the order is cancelled: nothing of it is, or stays, recorded."""

    order_id: UUID
    listing_id: Id
    transaction_id: UUID


class OrderCompleted(OrderMessage):
    """The order is completed and the buyer owns the item; published as a fact only."""

    order_id: UUID
    listing_id: Id
    buyer_id: Id
    seller_id: Id
    quantity: Quantity
    total_cents: Cents
    fee_cents: Cents
    currency: Currency
    transaction_id: UUID


class CheckoutSettled(Message):
    """No order of the checkout is pending any more; published as a fact only, after those of its orders."""

    key_field: ClassVar[str] = "checkout_id"

    checkout_id: UUID
    buyer_id: Id
    order_ids: OrderIds
    completed_order_ids: list[UUID]  # the others are rejected or cancelled


class RefundMessage(Message):
    """A message about one refund of an order, by which two of them are compared."""

    key_field: ClassVar[str] = "refund_id"

    refund_id: UUID
    order_id: UUID
    listing_id: Id


class OrderRefunded(RefundMessage):
    """The transactions service has refunded so much of what the buyer paid; `fee_cents` is part of it."""

    transaction_id: UUID
    amount_cents: Cents
    fee_cents: Cents
    currency: Currency


class RefundRefused(RefundMessage):
    """The transactions service refunds nothing for this request, now or later."""

    reason: Reason


class RefundCompleted(OrderRefunded):
    """The order is refunded, in whole or in part; published as a fact only. One order may have several."""

    buyer_id: Id
    seller_id: Id
    total_cents: Cents
    reason: Reason


class OrderRefundRefused(RefundMessage):
    """The transactions service has refused to refund the order; published as a fact only."""

    buyer_id: Id
    seller_id: Id
    reason: Reason


ITEM_SOLD = Contract("item_sold", ItemSold, to="listings")
ORDER_REJECTED = Contract("order_rejected", OrderRejected, to="listings", fact="order.rejected")
ORDER_VOIDED = Contract("order_voided", OrderVoided, to="listings")
ORDER_COMPLETED = Contract("order_completed", OrderCompleted, fact="order.completed")
CHECKOUT_SETTLED = Contract("checkout_settled", CheckoutSettled, fact="order.checkout_settled")
ORDER_REFUNDED = Contract("order_refunded", OrderRefunded, to="listings")
REFUND_REFUSED = Contract("refund_refused", RefundRefused, to="listings")
REFUND_COMPLETED = Contract("refund_completed", RefundCompleted, fact="order.refunded")
ORDER_REFUND_REFUSED = Contract("order_refund_refused", OrderRefundRefused, fact="order.refund_refused")
