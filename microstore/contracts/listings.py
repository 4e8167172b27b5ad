"""What the listings service is told, and the facts it tells."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from microstore.contracts.contract import Cents, Contract, Currency, Id, Message, Quantity

Reason = Annotated[str, Field(min_length=1, max_length=500)]


class ItemSold(Message):
    """The transactions service has recorded the sale."""

    order_id: UUID
    listing_id: Id
    transaction_id: UUID
    fee_cents: Cents
    total_cents: Cents


class OrderRejected(Message):
    """The transactions service will not record the sale; the stock goes back."""

    order_id: UUID
    listing_id: Id
    reason: Reason


class OrderVoided(Message):
    """The transactions service knows that the order is cancelled: nothing of it is, or stays, recorded."""

    order_id: UUID
    listing_id: Id
    transaction_id: UUID


class OrderCompleted(Message):
    """The buyer owns it. A fact: nobody in particular is told."""

    order_id: UUID
    listing_id: Id
    buyer_id: Id
    seller_id: Id
    quantity: Quantity
    total_cents: Cents
    fee_cents: Cents
    currency: Currency
    transaction_id: UUID


ITEM_SOLD = Contract("item_sold", ItemSold, to="listings")
ORDER_REJECTED = Contract("order_rejected", OrderRejected, to="listings", fact="order.rejected")
ORDER_VOIDED = Contract("order_voided", OrderVoided, to="listings")
ORDER_COMPLETED = Contract("order_completed", OrderCompleted, fact="order.completed")
