"""Steps of an order as its buyer and seller see them; timeline.py has those that staff see."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from listings.models import LiveEvent, Order, Refund
from microstore.messaging.models import OutboxMessage
from microstore.staff.money import show_amount

UUID_WITH_TIME = 7
LAST_SECOND = datetime(9999, 12, 31, tzinfo=UTC).timestamp()  # of Python's dates; those bits reach further
SOLD = (Order.Status.COMPLETED, Order.Status.PARTLY_REFUNDED, Order.Status.REFUNDED)


@dataclass(frozen=True)
class Step:
    """A step of an order, done or still to come; `at` is None where its time is not known here."""

    name: str
    done: bool
    at: datetime | None
    detail: str


def steps_of(order: Order) -> Iterator[Step]:
    """Yield the steps in the order of a purchase, also those that are still to come."""
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
    yield from map(_refund, order.refunds.order_by("id"))


def _refund(refund: Refund) -> Step:
    done = refund.status == Refund.Status.REFUNDED
    detail = f"{show_amount(refund.amount_cents, refund.currency)}: {refund.refusal or refund.reason}"
    name = "refund_refused" if refund.status == Refund.Status.REFUSED else "refunded"
    return Step(name, done or name == "refund_refused", refund.settled_at, detail)


def _published(order: Order) -> Step:
    # The relay deletes a message from the outbox once the broker has confirmed it.
    waits = (
        order.status == Order.Status.PENDING
        and OutboxMessage.objects.filter(payload__order_id=str(order.pk)).exists()
    )
    detail = "waits in the outbox." if waits else "is published."
    return Step("published", not waits, None, f"The message to the transactions service {detail}")


def _sold(order: Order) -> Iterator[Step]:
    done = order.status in SOLD
    transaction = f"Transaction {order.transaction_id}." if done else "No transaction is known yet."
    yield Step("recorded", done, time_of(order.transaction_id), transaction)
    yield Step("confirmed", done, order.settled_at, "The order is completed." if done else "It is pending.")


def _voided(order: Order) -> Step:
    known = order.transaction_id is not None
    detail = "has confirmed that nothing stays recorded." if known else "has not confirmed yet."
    return Step("voided", known, None, f"The transactions service {detail}")


def _pushed(order: Order) -> Step:
    event = LiveEvent.objects.filter(order_id=order.pk).order_by("seq").first()
    if event:
        return Step("pushed", True, event.created_at, f"Pushed to browsers as seq {event.seq}.")
    if order.settled_at:
        return Step("pushed", True, None, "Pushed to browsers; the event is no longer kept.")
    return Step("pushed", False, None, "Nothing is pushed to browsers yet.")


def time_of(uuid: UUID | None) -> datetime | None:
    """Return the time at which a UUIDv7 was made: its first 48 bits are milliseconds (RFC 9562, 5.7)."""
    if uuid is None or uuid.version != UUID_WITH_TIME:
        return None
    seconds = (uuid.int >> 80) / 1000
    return datetime.fromtimestamp(seconds, UTC) if seconds < LAST_SECOND else None
