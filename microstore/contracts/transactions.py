"""What the transactions service is told."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from microstore.contracts.contract import Cents, Contract, Currency, Id, Message, Quantity
from microstore.contracts.listings import ITEM_SOLD

Category = Annotated[str, Field(max_length=50)]


class OrderCreated(Message):
    """A buyer's order was accepted and its stock reserved."""

    order_id: UUID
    listing_id: Id
    buyer_id: Id
    seller_id: Id
    quantity: Quantity
    unit_price_cents: Cents
    currency: Currency
    category: Category = ""


ORDER_CREATED = Contract(
    "order_created", OrderCreated, to="transactions", reply=ITEM_SOLD, fact="order.created"
)
