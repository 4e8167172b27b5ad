"""What the listings service does. Views and tasks are doors to these functions."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID, uuid5

import structlog
from django.db import IntegrityError, transaction
from uuid_utils.compat import uuid7

from listings import metrics, queries
from listings.buying.place import Placement, place_order
from listings.live import push
from listings.models import Order
from listings.refusals import KeyReused
from listings.settling import complete, release
from microstore.contracts.listings import ORDER_COMPLETED, ItemSold, OrderCompleted, OrderRejected
from microstore.contracts.transactions import ORDER_CREATED, ORDER_PLACED, OrderCreated
from microstore.refusal import Refusal
from microstore.telemetry.tracing import trace_id_of

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Purchase:
    """What a buyer asks for."""

    listing_id: int
    buyer_id: int
    quantity: int
    trace: str
    idempotency_key: str | None = None

    @property
    def request_hash(self) -> str:
        """Equal for two requests that ask for the same."""
        return hashlib.sha256(json.dumps([self.listing_id, self.quantity]).encode()).hexdigest()


class Request(Protocol):
    """What may be asked for twice."""

    @property
    def buyer_id(self) -> int:
        """Who asks."""

    @property
    def idempotency_key(self) -> str | None:
        """What tells a repeat."""

    @property
    def request_hash(self) -> str:
        """Equal for two requests that ask for the same."""


@dataclass(frozen=True)
class Receipt:
    """What the buyer is told: the order, and whether it was there before."""

    order_id: UUID
    trace: str
    replayed: bool = False


def buy_listing(purchase: Purchase) -> Receipt:
    """Reserve the stock, record the order and send `order_created`, in one transaction of its own.

    A repeat with the same idempotency key, also one made at the same moment, gets the first order. Raises a
    Refusal, and then nothing has changed.
    """
    try:
        return _place_order(purchase)
    except (Refusal, IntegrityError) as error:
        return _receipt_again(_earlier_or_raise(purchase, error))


def answer_once(request: Request, place: Callable[[], Order]) -> tuple[Order, bool]:
    """The order that `place` makes for the request, and whether it was there before.

    A repeat with the same idempotency key, also one made at the same moment, gets the first order.
    """
    earlier = find_earlier(request)
    if earlier:
        return earlier, True
    try:
        return place(), False
    except (Refusal, IntegrityError) as error:
        return _earlier_or_raise(request, error), True


def _earlier_or_raise(request: Request, error: Exception) -> Order:
    """What the same request has made at the same moment; else why there is nothing."""
    earlier = find_earlier(request)
    if earlier:
        return earlier
    if isinstance(error, IntegrityError):
        queries.find_account(request.buyer_id)
    raise error


def find_earlier(request: Request) -> Order | None:
    """The order that the same request has made before; raises KeyReused if it was another request."""
    if request.idempotency_key is None:
        return None
    order = queries.order_with_key(request.buyer_id, request.idempotency_key)
    if order and order.request_hash != request.request_hash:
        raise KeyReused("This Idempotency-Key was used for another request; take a new one.")
    return order


def _place_order(purchase: Purchase) -> Receipt:
    placed = ORDER_PLACED(
        order_id=uuid7(),
        listing_id=purchase.listing_id,
        buyer_id=purchase.buyer_id,
        quantity=purchase.quantity,
        trace=purchase.trace,
    )
    placement = Placement(placed, key=purchase.idempotency_key, request_hash=purchase.request_hash)
    while not place_order(placement):
        earlier = find_earlier(purchase)
        if earlier:
            return _receipt_again(earlier)
        # Raises the reason. Where there is none, the listing has changed meanwhile: try again, so this ends.
        queries.find_for_sale(purchase.listing_id, buyer_id=purchase.buyer_id, quantity=purchase.quantity)
    log.info("order_accepted", order_id=str(placed.order_id), listing_id=purchase.listing_id)
    return Receipt(placed.order_id, purchase.trace)


def _receipt_again(order: Order) -> Receipt:
    return Receipt(order.id, order.trace, replayed=True)


def order_created(order: Order) -> OrderCreated:
    """What the transactions service is told of an order."""
    return ORDER_CREATED(
        order_id=order.id,
        listing_id=order.listing_id,
        buyer_id=order.buyer_id,
        seller_id=order.listing.seller_id,
        quantity=order.quantity,
        unit_price_cents=order.unit_price_cents,
        currency=order.currency,
        category=order.listing.category,
        trace=order.trace,
    )


def complete_orders(sales: Sequence[ItemSold]) -> list[OrderCompleted]:
    """Complete what is pending and push it to the live feed; returns the fact of each, new or not."""
    new = complete.complete_pending(sales)
    completed = [each.order for each in new]
    for order in completed:
        trace_id = trace_id_of(order.trace)
        log.info("item_sold", order_id=str(order.order_id), listing_id=order.listing_id, trace_id=trace_id)
    push.push([each.event for each in new])
    metrics.note_truth(each.settled_at - each.created_at for each in new)
    # What was completed before is told again: who did it may have died before telling.
    rest = {sale.order_id for sale in sales} - {order.order_id for order in completed}
    before = complete.find_completed(list(rest))
    push.push_again([order.order_id for order in before])
    return [_order_completed(order) for order in completed + before]


def reject_orders(rejections: Sequence[OrderRejected]) -> None:
    """Reject what is pending and give its stock back, listings in id order."""
    by_order = {rejection.order_id: rejection for rejection in rejections}
    with transaction.atomic():
        orders = queries.lock_orders(list(by_order))
        pending = [order for order in orders.values() if order.status == Order.Status.PENDING]
        for order in sorted(pending, key=lambda order: order.listing_id):
            release.release_order(order, Order.Status.REJECTED, reason=by_order[order.id].reason)


def _order_completed(order: complete.Completed) -> OrderCompleted:
    return ORDER_COMPLETED(event_id=uuid5(order.order_id, ORDER_COMPLETED.name), **order._asdict())
