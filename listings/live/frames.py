"""Frames of the WebSockets, as clients receive them; like contracts they only grow."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from microstore.contracts.contract import Cents, Currency, Id, Quantity
from microstore.contracts.feed import Feed

Seq = Annotated[int, Field(ge=0, description="Valid for `?after=`; skip events whose seq you have.")]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Frame(BaseModel):
    """A frame with one event. What it does not name is not sent."""

    # A stored event has the purchase's trace id, too: with it others could send spans to the buyer's trace.
    # A frame has all of its fields, also those that have a default for events stored by an earlier release.
    model_config = ConfigDict(
        extra="ignore", frozen=True, defer_build=True, json_schema_serialization_defaults_required=True
    )

    def to_client(self) -> dict[str, Any]:
        """Return the frame's content as JSON values."""
        return self.model_dump(mode="json")


class ItemEvent(Frame):
    """A listing's stock has changed: it was sold, or an order that was ended or refunded gave it back."""

    type: Literal["item_sold", "item_released"]
    seq: Seq
    order_id: UUID
    listing_id: Id
    quantity: Quantity
    available: Annotated[int, Field(ge=0, description="What is left in stock.")]


class OrderHint(Frame):
    """Something has become of an order that only its parties learn; it leaves no process of ours."""

    type: Literal["order_refunded", "checkout_settled"]
    seq: Seq
    order_id: UUID
    checkout_id: UUID | None = None


class OrderEvent(Frame):
    """An order of the client's own was settled or refunded; it is shown as `GET /api/orders/{id}/` does."""

    type: Literal["order"] = "order"
    seq: Seq
    id: UUID
    status: str
    listing: Id
    edition: int | None = None
    listing_title: str
    description: str = ""
    category: str = ""
    picture_url: Annotated[str | None, Field(description="A path of the API; it needs a log-in.")] = None
    checkout_id: UUID | None
    quantity: Quantity
    unit_price_cents: Cents
    currency: Currency
    fee_cents: Cents | None
    total_cents: Cents | None
    refunded_cents: Cents = 0
    returned_quantity: Annotated[int, Field(ge=0)] = 0
    fee_rule: str = ""
    transaction_id: UUID | None
    reason: str
    trace_id: str
    buyer_id: Id
    seller_id: Id
    created_at: Time
    settled_at: Time | None


class CheckoutTotals(Frame):
    """Sums of the completed orders in one currency."""

    currency: Currency
    price_cents: Cents
    fee_cents: Cents
    total_cents: Cents
    refunded_cents: Cents


class CheckoutEvent(Frame):
    """All orders of a checkout that the client has made are settled: `GET /api/checkouts/{id}/` has them."""

    type: Literal["checkout"] = "checkout"
    seq: Seq
    id: UUID
    status: Literal["open", "settled"]
    buyer_id: Id
    orders: Quantity
    completed: Annotated[int, Field(ge=0, description="So many of the orders; the others were not bought.")]
    totals: list[CheckoutTotals]
    created_at: Time
    settled_at: Time | None


class ItemBatch(Frame):
    """Several events of the public feed in one frame, in the order of their `seq`."""

    type: Literal["batch"] = "batch"
    events: list[ItemEvent]


class OrderBatch(Frame):
    """Several of the client's own orders and checkouts in one frame, in the order of their `seq`."""

    type: Literal["batch"] = "batch"
    events: list[OrderEvent | CheckoutEvent]


class Heartbeat(Frame):
    """The connection is alive: every 25 seconds. Reconnect when nothing has arrived for a minute."""

    type: Literal["heartbeat"] = "heartbeat"
    seq: Seq


class Reset(Frame):
    """More has happened than is sent, or listings left or came on sale without an order: fetch all again."""

    type: Literal["reset"] = "reset"
    seq: Seq


class NotificationHint(Frame):
    """There is a new notification. It may be lost, so also fetch them after connecting and now and then."""

    type: Literal["notification"] = "notification"


AFTER = "The last `seq` received: what was missed since comes first."
FEEDS = (
    Feed(
        "listings",
        "/ws/listings/",
        "Public. Stock as it changes.",
        (ItemEvent, ItemBatch, Heartbeat, Reset),
        {"after": AFTER},
    ),
    Feed(
        "orders",
        "/ws/orders/",
        "The client's own orders, as buyer and as seller, until the token expires.",
        (OrderEvent, CheckoutEvent, OrderBatch, Heartbeat, Reset, NotificationHint),
        {
            "token": "An access token of the listings service.",
            "after": AFTER,
            "notifications": "`1` to be sent hints of new notifications.",
        },
    ),
)
