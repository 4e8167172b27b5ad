"""A purchase: reserve the stock, record the order, send `order_created`, and all of it once a request."""

from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
from django.db import IntegrityError

from listings import queries
from listings.buying.place import Placed, Purchase, place_order
from listings.refusals import KeyReused
from microstore.database.standby import wait_for_standby
from microstore.refusal import Refusal

# Each further one means that what had kept the order from being placed was gone when it was looked at.
MAX_ATTEMPTS = 100

log = structlog.get_logger(__name__)


class Request(Protocol):
    """A request that may be sent twice, recognised by its buyer and idempotency key."""

    @property
    def buyer_id(self) -> int: ...
    @property
    def idempotency_key(self) -> str | None: ...
    @property
    def request_hash(self) -> str: ...


def buy_listing(purchase: Purchase) -> tuple[Placed, bool]:
    """Return the order of the purchase, and whether it was there before; see `place_once`."""

    def place() -> list[Placed]:
        order = place_order(purchase)
        return [order] if order else []

    (order,), replayed = place_once(purchase, place)
    if not replayed:
        log.info("order_accepted", order_id=str(order.id), listing_id=order.listing_id)
    return order, replayed


def place_once(request: Request, place: Callable[[], Sequence[Placed]]) -> tuple[Sequence[Placed], bool]:
    """Return the orders that `place` makes for the request, and whether they were there before.

    A repeat with the same idempotency key, also a simultaneous one, gets the orders of the first request.
    Calls `place` again while it returns nothing. Raises Refusal, and then nothing has changed.
    """
    for _ in range(MAX_ATTEMPTS):
        try:
            orders = place()
            if orders:
                return orders, False
            earlier = find_earlier(request)
        except (Refusal, IntegrityError) as error:
            # The key is unique in the database, too: of two requests at once one finds the other's order.
            earlier = find_earlier(request)
            if not earlier:
                if isinstance(error, IntegrityError):
                    queries.find_account(request.buyer_id)  # raises AccountGone
                raise
        if earlier:
            return earlier, True
    raise RuntimeError("place_orders.sql leaves out what ensure_can_buy, ensure_as_seen, ensure_room allow.")


def find_earlier(request: Request) -> list[Placed]:
    """Return the orders that the same request has made before; raises KeyReused for another request's key."""
    if request.idempotency_key is None:
        return []
    order = queries.order_with_key(request.buyer_id, request.idempotency_key)
    if order is None:
        return []
    if order.request_hash != request.request_hash:
        raise KeyReused
    wait_for_standby()  # A repeat writes nothing, and answers that the order is kept.
    orders = queries.orders_of_checkout(order.checkout_id) if order.checkout_id else [order]
    return [Placed.of(order) for order in orders]
