"""Which message is answered by what."""

from collections.abc import Sequence
from uuid import uuid5

from microstore.contracts.contract import Message
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
    ORDER_EXPIRED,
    OrderCancelled,
    OrderCreated,
    OrderExpired,
)
from microstore.messaging.receiving.consumer import handles, publish
from transactions import recording
from transactions.models import Transaction
from transactions.queries import Decided


@handles(ORDER_CREATED)
def order_created(events: list[OrderCreated]) -> Sequence[Message]:
    """Record the transactions. Celery chains what is returned to `item_sold`; refusals are told at once."""
    return answers_to(recording.record_transactions(events))


@handles(ORDER_EXPIRED)
def order_expired(events: list[OrderExpired]) -> Sequence[Message]:
    """Refuse what has no transaction; what has one is answered as ever."""
    return answers_to(recording.refuse_expired(events))


def answers_to(decided: Sequence[Decided]) -> Sequence[Message]:
    """Tell the refusals, and return the sales, for Celery to chain; of what was voided nothing is told."""
    publish(
        ORDER_REJECTED, [rejection(each) for each in decided if each.status == Transaction.Status.REFUSED]
    )
    return [sale(each) for each in decided if each.status == Transaction.Status.RECORDED]


@handles(ORDER_CANCELLED)
def order_cancelled(events: list[OrderCancelled]) -> Sequence[Message]:
    """Void the transactions. Celery chains what is returned to `order_voided`."""
    return [voided(decided) for decided in recording.void_transactions(events)]


def sale(decided: Decided) -> ItemSold:
    """The callback's message; the same whenever it is made."""
    assert decided.fee_cents is not None
    assert decided.total_cents is not None
    return ITEM_SOLD(
        event_id=uuid5(decided.order_id, ITEM_SOLD.name),
        order_id=decided.order_id,
        listing_id=decided.listing_id,
        transaction_id=decided.id,
        fee_cents=decided.fee_cents,
        total_cents=decided.total_cents,
        trace=decided.trace,
    )


def rejection(decided: Decided) -> OrderRejected:
    """Why there will be no sale; the same whenever it is made."""
    return ORDER_REJECTED(
        event_id=uuid5(decided.order_id, ORDER_REJECTED.name),
        order_id=decided.order_id,
        listing_id=decided.listing_id,
        reason=decided.reason,
        trace=decided.trace,
    )


def voided(decided: Decided) -> OrderVoided:
    """That the cancelled order is known here; the same whenever it is made."""
    return ORDER_VOIDED(
        event_id=uuid5(decided.order_id, ORDER_VOIDED.name),
        order_id=decided.order_id,
        listing_id=decided.listing_id,
        transaction_id=decided.id,
        trace=decided.trace,
    )
