"""Every message that the listings service sends is built here, but order_created in buying/sql."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from django.db import connection
from uuid_utils.compat import uuid7

from listings.accounts.models import BankAccount
from listings.models import Order, Refund
from microstore.contracts.accounts import BANK_ACCOUNT_CHANGED, BankAccountChanged
from microstore.contracts.contract import Message
from microstore.contracts.listings import (
    CHECKOUT_SETTLED,
    ORDER_COMPLETED,
    ORDER_REFUND_REFUSED,
    REFUND_COMPLETED,
    CheckoutSettled,
    OrderCompleted,
    OrderRefunded,
    OrderRefundRefused,
    RefundCompleted,
    RefundRefused,
)
from microstore.contracts.transactions import (
    ORDER_CANCELLED,
    ORDER_CREATED,
    REFUND_REQUESTED,
    OrderCancelled,
    OrderCreated,
    RefundRequested,
)

READ_ORDER_CREATED = """
SELECT order_created(placed, listing, %s) FROM listings_order placed
JOIN listings_listing listing ON listing.id = placed.listing_id WHERE placed.id = %s
"""


def order_created(order: Order, *, event_id: UUID | None = None) -> OrderCreated:
    """Return the message that has a stored order recorded, with an id of its own unless one is given.

    Raises InvalidMessage where the order does not fit the contract.
    """
    with connection.cursor() as cursor:
        cursor.execute(READ_ORDER_CREATED, [event_id or uuid7(), order.id])
        return ORDER_CREATED.parse(json.loads(cursor.fetchone()[0]))


def order_cancelled(order: Order) -> OrderCancelled:
    """Return the message that has the order voided: the same event, however often it is built."""
    # The id is derived from the order: `reconcile` sends the message again, and by the same id its
    # notification is stored once.
    created = order_created(order, event_id=uuid5(order.id, ORDER_CANCELLED.name))
    return ORDER_CANCELLED(**created.model_dump())


def order_completed(order: Mapping[str, Any]) -> OrderCompleted:
    """Return the fact that the order is completed: the same event, however often it is built."""
    # A redelivered sale publishes the fact again; by the same id its notification is stored once.
    return ORDER_COMPLETED(event_id=uuid5(order["order_id"], ORDER_COMPLETED.name), **order)


def checkout_settled(orders: Sequence[Order]) -> CheckoutSettled:
    """Return the fact that all orders of a checkout, which these are, have left `pending`."""
    first = orders[0]
    assert first.checkout_id
    lost = (Order.Status.REJECTED, Order.Status.CANCELLED)
    return CHECKOUT_SETTLED(
        event_id=uuid5(first.checkout_id, CHECKOUT_SETTLED.name),
        checkout_id=first.checkout_id,
        buyer_id=first.buyer_id,
        order_ids=[order.id for order in orders],
        completed_order_ids=[order.id for order in orders if order.status not in lost],
        trace=first.trace,
    )


def order_id_of(fact: Message) -> UUID:
    """Return the id of the order that a fact `order.*` is about."""
    order_id: UUID = fact.order_id  # type: ignore[attr-defined]  # its class is one of several that have it
    return order_id


def refund_requested(refund: Refund) -> RefundRequested:
    """Return the message that has a refund decided: the same event, however often it is built."""
    return REFUND_REQUESTED(
        event_id=uuid5(refund.id, REFUND_REQUESTED.name),
        refund_id=refund.id,
        order_id=refund.order_id,
        listing_id=refund.order.listing_id,
        amount_cents=refund.amount_cents,
        currency=refund.order.currency,
        reason=refund.reason,
        trace=refund.order.trace,
    )


def refund_completed(refund: Refund, refunded: OrderRefunded) -> RefundCompleted:
    """Return the fact that an order is refunded: the same event, however often it is built."""
    order = refund.order
    assert order.total_cents is not None
    return REFUND_COMPLETED(
        event_id=uuid5(refund.id, REFUND_COMPLETED.name),
        **refunded.model_dump(exclude={"event_id", "occurred_at"}),
        buyer_id=order.buyer_id,
        seller_id=order.listing.seller_id,
        total_cents=order.total_cents,
        reason=refund.reason,
    )


def order_refund_refused(refund: Refund, refused: RefundRefused) -> OrderRefundRefused:
    """Return the fact that a refund is refused: the same event, however often it is built."""
    return ORDER_REFUND_REFUSED(
        event_id=uuid5(refund.id, ORDER_REFUND_REFUSED.name),
        **refused.model_dump(exclude={"event_id", "occurred_at"}),
        buyer_id=refund.order.buyer_id,
        seller_id=refund.order.listing.seller_id,
    )


def bank_account_changed(account: BankAccount) -> BankAccountChanged:
    """Return the message that has a bank account recorded."""
    return BANK_ACCOUNT_CHANGED(
        bank_account_id=account.id,
        seller_id=account.user_id,
        sealed=account.sealed,
        masked=account.masked,
        changed_at=account.created_at,
        trace=account.trace,
    )
