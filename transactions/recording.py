"""Decisions about orders: recorded with a fee, refused, or voided. Tasks call these functions."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

import structlog
from django.db import transaction
from uuid_utils.compat import uuid7

from microstore.contracts.contract import Contract
from microstore.contracts.transactions import (
    ORDER_CANCELLED,
    ORDER_CREATED,
    ORDER_EXPIRED,
    OrderCancelled,
    OrderCreated,
    OrderExpired,
)
from microstore.database.clock import database_now
from microstore.fee_function.quotes import AnyQuote, Quote, RefusedQuote
from microstore.messaging.receiving.consumer import Unavailable
from microstore.messaging.receiving.contradictions import drop_contradictions
from microstore.telemetry.tracing import trace_id_of
from transactions import fee_client, queries
from transactions.models import Transaction
from transactions.queries import Decided

AnyOrder = TypeVar("AnyOrder", bound=OrderCreated)
EXPIRED = "The order was not settled in time."
SCHEDULE_WAIT_SECONDS = 60  # as long as a rollout of the fee function may take
VERSION_7 = 7  # of UUIDs, which begin with their time

log = structlog.get_logger(__name__)


class ScheduleUnknown(Unavailable):
    """The fee function does not know, or not yet, the schedule by which a new order was quoted."""


class SomeSchedulesUnknown(Exception):
    """The same of some orders of a batch; the others are recorded."""


def record_transactions(orders: Sequence[OrderCreated]) -> list[Decided]:
    """Decide about each order once; return the decisions about all of them, new or not.

    Fees are fetched for new orders alone, before the database is written, and never again. A message that
    contradicts the decision about its order has no reply, and becomes a dead letter. Raises
    ScheduleUnknown for a new order whose schedule the fee function does not know, or SomeSchedulesUnknown.
    """
    return _decide(ORDER_CREATED, orders, _quote)


def _quote(orders: Sequence[OrderCreated]) -> dict[UUID, AnyQuote]:
    return fee_client.fetch_quotes(orders, tiers=queries.tiers_of({order.seller_id for order in orders}))


def refuse_expired(orders: Sequence[OrderExpired]) -> list[Decided]:
    """Refuse each undecided order; return the decisions about all of them."""
    return _decide(ORDER_EXPIRED, orders, _refuse)


def _refuse(orders: Sequence[OrderCreated]) -> dict[UUID, AnyQuote]:
    return {order.order_id: RefusedQuote(order_id=order.order_id, error=EXPIRED) for order in orders}


def _decide(
    contract: Contract[..., AnyOrder],
    orders: Sequence[AnyOrder],
    quote: Callable[[Sequence[OrderCreated]], dict[UUID, AnyQuote]],
) -> list[Decided]:
    recorded = queries.recorded_before(order.order_id for order in orders)
    new = {order.order_id: order for order in orders if order.order_id not in recorded}
    if new:
        # No transaction is open here: the call may take seconds, and no row may stay locked for that long.
        quotes = quote(list(new.values()))
        # Inserted in the order of their ids, so that two batches with the same orders cannot deadlock.
        waiting = {order_id for order_id in new if _may_become_known(order_id, quotes[order_id])}
        rows = [_decision(new[order_id], quotes[order_id]) for order_id in sorted(new.keys() - waiting)]
        recorded |= queries.store_new(rows)
        for row in rows:
            _log_decision("order_created", recorded[row.order_id])
        if waiting:
            raise ScheduleUnknown if len(orders) == 1 else SomeSchedulesUnknown
    agreeing = drop_contradictions(
        contract, orders, lambda order: _find_contradiction(order, recorded[order.order_id])
    )
    return [recorded[order_id] for order_id in {order.order_id: None for order in agreeing}]


def _may_become_known(order_id: UUID, quote: AnyQuote) -> bool:
    # A buyer may name any version, so an order that is older is refused.
    if not isinstance(quote, RefusedQuote) or not quote.unknown_version or order_id.version != VERSION_7:
        return False
    age = database_now().timestamp() - (order_id.int >> 80) / 1_000
    return abs(age) < SCHEDULE_WAIT_SECONDS  # by whose clock ever: twice that long at most


def _find_contradiction(order: OrderCreated, decided: Decided) -> str | None:
    # Not the texts: a message of an earlier release has none.
    if order.unit_price_cents * order.quantity != decided.price_cents:
        return "the order is recorded with another price"
    for field in ("listing_id", "buyer_id", "seller_id", "quantity", "currency"):
        if getattr(order, field) != getattr(decided, field):
            return f"the order is recorded with another {field}"
    return None


@transaction.atomic
def void_transactions(cancellations: Sequence[OrderCancelled]) -> list[Decided]:
    """Ensure that nothing is recorded for these orders, now or later; return the decisions about them.

    A recorded transaction is voided and keeps its fee. An undecided order gets a voided row, so that an
    `order_created` that comes late finds it decided. A refused one stays refused. A cancellation that
    contradicts what is recorded voids nothing, and becomes a dead letter.
    """
    by_order = {cancellation.order_id: cancellation for cancellation in cancellations}
    rows = [_without_fee(by_order[order_id], Transaction.Status.VOIDED) for order_id in sorted(by_order)]
    recorded = queries.store_new(rows)
    refunded = queries.lock_refunded(by_order)
    agreeing = drop_contradictions(
        ORDER_CANCELLED,
        cancellations,
        lambda order: (
            "the order is refunded"
            if order.order_id in refunded
            else _find_contradiction(order, recorded[order.order_id])
        ),
    )
    voided = queries.void_recorded({cancellation.order_id for cancellation in agreeing})
    recorded = queries.recorded_for(cancellation.order_id for cancellation in agreeing)
    for order_id in voided:
        _log_decision("order_voided", recorded[order_id])
    return list(recorded.values())


def _decision(order: OrderCreated, quote: AnyQuote) -> Decided:
    if isinstance(quote, Quote):
        return _without_fee(order, Transaction.Status.RECORDED)._replace(
            fee_cents=quote.fee_cents,
            total_cents=quote.total_cents,
            commission_cents=quote.commission_cents,
            fee_rule=quote.rule,
            fee_breakdown=quote.breakdown,
        )
    return _without_fee(order, Transaction.Status.REFUSED)._replace(reason=quote.error[:500])


def _without_fee(order: OrderCreated, status: Transaction.Status) -> Decided:
    return Decided(
        id=uuid7(),
        order_id=order.order_id,
        listing_id=order.listing_id,
        buyer_id=order.buyer_id,
        seller_id=order.seller_id,
        quantity=order.quantity,
        price_cents=order.unit_price_cents * order.quantity,
        currency=order.currency,
        title=order.title,
        description=order.description,
        category=order.category,
        picture=order.picture,
        status=status.value,
        fee_cents=None,
        total_cents=None,
        commission_cents=0,
        fee_rule="",
        fee_breakdown={},
        reason="",
        trace=order.trace,
    )


def _log_decision(event: str, decided: Decided) -> None:
    log.info(
        event,
        order_id=str(decided.order_id),
        status=decided.status,
        fee_cents=decided.fee_cents,
        trace_id=trace_id_of(decided.trace),
    )
