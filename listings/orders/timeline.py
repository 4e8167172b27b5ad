"""Timeline of an order for staff, from this service's database; that of its buyer is in order_steps.py."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from listings.models import LiveEvent, Order
from microstore.messaging.models import DeadLetter, OutboxMessage
from microstore.staff.money import show_amount

REFUNDED = (Order.Status.PARTLY_REFUNDED, Order.Status.REFUNDED)


@dataclass(frozen=True)
class Step:
    """A line of the timeline; `at` is None where no time is stored, `alarm` marks a possible fault."""

    at: datetime | None
    text: str
    alarm: bool = False


def timeline(order: Order) -> list[Step]:
    """Return the steps of an order in the order of time; one without a time stays behind its predecessor."""
    steps = [*_sent(order), *_settled(order), *_refunds(order), *_dead(order)]
    placed, at = [], order.created_at
    for step in steps:
        at = step.at or at
        placed.append((at, step))
    return [step for _, step in sorted(placed, key=lambda each: each[0])]


def _sent(order: Order) -> Iterator[Step]:
    yield Step(order.created_at, f"accepted: {order.quantity} reserved for {order.buyer.get_username()}")
    waiting = OutboxMessage.objects.filter(payload__order_id=str(order.pk)).first()
    if waiting:
        yield Step(
            None,
            f"{waiting.contract} waits in the outbox since {waiting.created_at:%H:%M:%S};"
            f" the broker refused it {waiting.attempts} times",
            alarm=waiting.attempts > 0,
        )
    else:
        yield Step(None, "order_created published: nothing of it is left in the outbox")
    if order.resent_at:
        yield Step(order.resent_at, "sent again by reconcile, for it stayed pending")


def _settled(order: Order) -> Iterator[Step]:
    if order.settled_at is None:
        yield Step(None, "not settled yet", alarm=True)
        return
    seconds = (order.settled_at - order.created_at).total_seconds()
    about = f" as transaction {order.transaction_id}" if order.transaction_id else f": {order.reason}"
    # What became of it later, by refunds, is not what it was settled as.
    settled = Order.Status.COMPLETED if order.status in REFUNDED else order.status
    yield Step(order.settled_at, f"{settled} after {seconds:.2f} s{about}")
    for event in LiveEvent.objects.filter(order_id=order.pk).order_by("seq"):
        yield Step(event.created_at, f"{event.type} pushed to browsers as seq {event.seq}")


def _refunds(order: Order) -> Iterator[Step]:
    for refund in order.refunds.select_related("requested_by").order_by("id"):
        what = show_amount(refund.amount_cents, order.currency)
        by = refund.requested_by.get_username()
        yield Step(refund.created_at, f"refund of {what} requested by {by}: {refund.reason}")
        if refund.settled_at:
            yield Step(refund.settled_at, f"refund of {what} {refund.status} {refund.refusal}".strip())
        else:
            yield Step(None, f"refund of {what} not settled yet", alarm=True)


def _dead(order: Order) -> Iterator[Step]:
    for letter in DeadLetter.objects.filter(trace__startswith=order.trace[:36]).order_by("id"):
        yield Step(letter.died_at, f"{letter.contract} died ({letter.state}): {letter.cause}", alarm=True)
