"""What the transactions service does. Tasks and views are doors to these functions."""

from collections.abc import Callable, Sequence
from uuid import UUID

import structlog
from django.utils import timezone
from uuid_utils.compat import uuid7

from microstore.contracts.transactions import OrderCancelled, OrderCreated, OrderExpired
from microstore.telemetry.tracing import trace_id_of
from transactions import fee_client, queries
from transactions.fee_quotes import AnyQuote, Quote, RefusedQuote
from transactions.models import Transaction
from transactions.queries import Decided

EXPIRED = "It was not settled in time."

log = structlog.get_logger(__name__)


def record_transactions(orders: Sequence[OrderCreated]) -> list[Decided]:
    """Decide about each order once; returns what is recorded for all of them, new or not.

    The fee function is asked before the database is written, only about orders that are new, and never again.
    """
    return decide(orders, fee_client.fetch_quotes)


def refuse_expired(orders: Sequence[OrderExpired]) -> list[Decided]:
    """Refuse each order about which nothing was decided yet; returns what is recorded for all of them."""
    return decide(orders, refuse)


def refuse(orders: Sequence[OrderCreated]) -> dict[UUID, AnyQuote]:
    """No fee for any of them."""
    return {order.order_id: RefusedQuote(order_id=order.order_id, error=EXPIRED) for order in orders}


def decide(
    orders: Sequence[OrderCreated], quote: Callable[[Sequence[OrderCreated]], dict[UUID, AnyQuote]]
) -> list[Decided]:
    """Store a decision for each order that has none. `quote` is asked about those alone."""
    recorded = queries.recorded_for(order.order_id for order in orders)
    new = {order.order_id: order for order in orders if order.order_id not in recorded}
    if new:
        quotes = quote(list(new.values()))
        # In the order of their ids, so that two batches with the same orders cannot wait for each other.
        rows = [decision(new[order_id], quotes[order_id]) for order_id in sorted(new)]
        recorded |= queries.store_new(rows)
        for order_id in new:
            log_decision("order_created", recorded[order_id])
    return [recorded[order_id] for order_id in {order.order_id: None for order in orders}]


def void_transactions(cancellations: Sequence[OrderCancelled]) -> list[Decided]:
    """See to it that nothing is recorded for these orders, now or later; returns what there is of each.

    What is recorded is voided, and keeps its fee. Where nothing is, a voided row takes the order's place, so
    that an `order_created` that comes late finds it decided. What was refused stays so.
    """
    by_order = {cancellation.order_id: cancellation for cancellation in cancellations}
    rows = [without_fee(by_order[order_id], Transaction.Status.VOIDED) for order_id in sorted(by_order)]
    voided = queries.store_voided(rows)
    recorded = queries.recorded_for(by_order)
    for order_id in voided:
        log_decision("order_voided", recorded[order_id])
    return list(recorded.values())


def decision(order: OrderCreated, quote: AnyQuote) -> Decided:
    """The row for an order, with the quote frozen in it."""
    if isinstance(quote, Quote):
        return without_fee(order, Transaction.Status.RECORDED)._replace(
            fee_cents=quote.fee_cents,
            total_cents=quote.total_cents,
            fee_rule=quote.rule,
            fee_breakdown=quote.breakdown,
        )
    return without_fee(order, Transaction.Status.REFUSED)._replace(reason=quote.error[:500])


def without_fee(order: OrderCreated, status: Transaction.Status) -> Decided:
    """The row for an order, as the order alone has it."""
    return Decided(
        id=uuid7(),
        order_id=order.order_id,
        listing_id=order.listing_id,
        buyer_id=order.buyer_id,
        seller_id=order.seller_id,
        quantity=order.quantity,
        price_cents=order.unit_price_cents * order.quantity,
        currency=order.currency,
        status=status.value,
        fee_cents=None,
        total_cents=None,
        fee_rule="",
        fee_breakdown={},
        reason="",
        trace=order.trace,
        created_at=timezone.now(),
    )


def log_decision(event: str, decided: Decided) -> None:
    """One line an order, to be found by its trace id."""
    log.info(
        event,
        order_id=str(decided.order_id),
        status=decided.status,
        fee_cents=decided.fee_cents,
        trace_id=trace_id_of(decided.trace),
    )
