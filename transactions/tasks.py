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
from microstore.messaging.consumer import handles, tell
from transactions import services
from transactions.models import Transaction


@handles(ORDER_CREATED)
def order_created(events: list[OrderCreated]) -> Sequence[Message]:
    """Record the transactions. Celery chains what is returned to `item_sold`; refusals are told at once."""
    return answers_to(services.record_transactions(events))


@handles(ORDER_EXPIRED)
def order_expired(events: list[OrderExpired]) -> Sequence[Message]:
    """Refuse what has no transaction; what has one is answered as ever."""
    return answers_to(services.refuse_expired(events))


def answers_to(decided: Sequence[Transaction]) -> Sequence[Message]:
    """Tell the refusals, and return the sales, for Celery to chain; of what was voided nothing is told."""
    tell(ORDER_REJECTED, [rejection(t) for t in decided if t.status == Transaction.Status.REFUSED])
    return [sale(t) for t in decided if t.status == Transaction.Status.RECORDED]


@handles(ORDER_CANCELLED)
def order_cancelled(events: list[OrderCancelled]) -> Sequence[Message]:
    """Void the transactions. Celery chains what is returned to `order_voided`."""
    return [voided(transaction) for transaction in services.void_transactions(events)]


def sale(transaction: Transaction) -> ItemSold:
    """The callback's message; the same whenever it is made."""
    assert transaction.fee_cents is not None
    assert transaction.total_cents is not None
    return ITEM_SOLD(
        event_id=uuid5(transaction.order_id, ITEM_SOLD.name),
        order_id=transaction.order_id,
        listing_id=transaction.listing_id,
        transaction_id=transaction.id,
        fee_cents=transaction.fee_cents,
        total_cents=transaction.total_cents,
        trace=transaction.trace,
    )


def rejection(transaction: Transaction) -> OrderRejected:
    """Why there will be no sale; the same whenever it is made."""
    return ORDER_REJECTED(
        event_id=uuid5(transaction.order_id, ORDER_REJECTED.name),
        order_id=transaction.order_id,
        listing_id=transaction.listing_id,
        reason=transaction.reason,
        trace=transaction.trace,
    )


def voided(transaction: Transaction) -> OrderVoided:
    """That the cancelled order is known here; the same whenever it is made."""
    return ORDER_VOIDED(
        event_id=uuid5(transaction.order_id, ORDER_VOIDED.name),
        order_id=transaction.order_id,
        listing_id=transaction.listing_id,
        transaction_id=transaction.id,
        trace=transaction.trace,
    )
