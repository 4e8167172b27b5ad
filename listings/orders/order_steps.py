"""The steps of an order as its buyer and seller are told them; what staff see is in timeline.py."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from listings.models import LiveEvent, Order
from microstore.messaging.models import OutboxMessage

UUID_WITH_TIME = 7
SOLD = (Order.Status.COMPLETED, Order.Status.REFUNDED)


@dataclass(frozen=True)
class Step:
    """One thing that happened, or has not yet."""

    name: str
    done: bool
    at: datetime | None
    detail: str


def steps_of(order: Order) -> Iterator[Step]:
    """The steps in the order of a purchase, also those that are still to come."""
    yield Step("accepted", True, order.created_at, "Stock is reserved.")
    yield _published(order)
    if order.status == Order.Status.REJECTED:
        yield Step("rejected", True, order.settled_at, order.reason)
    elif order.status == Order.Status.CANCELLED:
        yield Step("cancelled", True, order.settled_at, "Its buyer cancelled it.")
        yield _voided(order)
    else:
        yield from _sold(order)
    yield _pushed(order)


def _published(order: Order) -> Step:
    waits = (
        order.status == Order.Status.PENDING
        and OutboxMessage.objects.filter(payload__order_id=str(order.pk)).exists()
    )
    told = "The transactions service is about to be told." if waits else "The transactions service was told."
    return Step("published", not waits, None, told)


def _sold(order: Order) -> Iterator[Step]:
    done = order.status in SOLD
    transaction = f"Transaction {order.transaction_id}." if done else "No transaction is known yet."
    yield Step("recorded", done, time_of(order.transaction_id), transaction)
    yield Step("confirmed", done, order.settled_at, f"The order is {order.status}.")


def _voided(order: Order) -> Step:
    known = order.transaction_id is not None
    detail = "knows, and nothing stays recorded." if known else "has not confirmed yet."
    return Step("voided", known, None, f"The transactions service {detail}")


def _pushed(order: Order) -> Step:
    event = LiveEvent.objects.filter(order_id=order.pk).order_by("seq").first()
    if event:
        return Step("pushed", True, event.created_at, f"Told live as seq {event.seq}.")
    if order.settled_at:
        return Step("pushed", True, None, "Told live; the event is no longer kept.")
    return Step("pushed", False, None, "Nothing has been told live yet.")


def time_of(uuid: UUID | None) -> datetime | None:
    """When an id was made: its first 48 bits are milliseconds (RFC 9562, 5.7)."""
    if uuid is None or uuid.version != UUID_WITH_TIME:
        return None
    return datetime.fromtimestamp((uuid.int >> 80) / 1000, UTC)
