"""Buying several things at once: all of them, or none."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import structlog
from uuid_utils.compat import uuid7

from listings import queries
from listings.buying import checkout_queries
from listings.buying.purchase import answer_once, order_created
from listings.models import Listing, Order
from listings.refusals import CheckoutRefused
from microstore.refusal import Refusal

log = structlog.get_logger(__name__)


class Item(NamedTuple):
    """How many of what."""

    listing_id: int
    quantity: int


@dataclass(frozen=True)
class Checkout:
    """What a buyer asks for; no listing is in it twice."""

    items: Sequence[Item]
    buyer_id: int
    trace: str
    idempotency_key: str | None = None

    @property
    def request_hash(self) -> str:
        """Equal for two checkouts of the same; never that of a purchase."""
        return hashlib.sha256(json.dumps({"checkout": self.items}).encode()).hexdigest()


def check_out(checkout: Checkout) -> tuple[list[Order], bool]:
    """Reserve all stock, record an order for each item and send their `order_created`, in one transaction.

    Returns the orders in the order of the items, and whether they were there before. The first order bears
    the idempotency key. Raises KeyReused, AccountGone or CheckoutRefused, and then nothing has changed.
    """
    first, replayed = answer_once(checkout, lambda: _place_orders(checkout))
    assert first.checkout_id is not None
    return checkout_queries.orders_of_checkout(first.checkout_id), replayed


def _place_orders(checkout: Checkout) -> Order:
    while True:
        orders = _make_orders(checkout, _find_all_for_sale(checkout), checkout_id=uuid7())
        if checkout_queries.place_checkout(orders, [order_created(order) for order in orders]):
            log.info("checkout_accepted", checkout_id=str(orders[0].checkout_id), orders=len(orders))
            return orders[0]
        # A listing has changed since it was read, so this ends: look again.


def _find_all_for_sale(checkout: Checkout) -> list[Listing]:
    """The listings in the order of the items; or CheckoutRefused, with the reason for each that is not."""
    found = checkout_queries.find_listings(item.listing_id for item in checkout.items)
    refused: dict[int, tuple[int, Refusal]] = {}
    for index, item in enumerate(checkout.items):
        try:
            queries.refuse_sale(found.get(item.listing_id), checkout.buyer_id, item.quantity)
        except Refusal as why_not:
            refused[index] = item.listing_id, why_not
    if refused:
        raise CheckoutRefused(refused, of=len(checkout.items))
    return [found[item.listing_id] for item in checkout.items]


def _make_orders(checkout: Checkout, listings: Sequence[Listing], *, checkout_id: UUID) -> list[Order]:
    orders = [
        Order(
            buyer_id=checkout.buyer_id,
            listing=listing,
            checkout_id=checkout_id,
            quantity=item.quantity,
            unit_price_cents=listing.price_cents,
            currency=listing.currency,
            trace=checkout.trace,
        )
        for item, listing in zip(checkout.items, listings, strict=True)
    ]
    orders[0].idempotency_key, orders[0].request_hash = checkout.idempotency_key, checkout.request_hash
    return orders
