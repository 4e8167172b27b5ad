"""Questions to the listings database about checkouts, and the one way in which they change it."""

import json
from collections.abc import Iterable, Sequence
from uuid import UUID

from django.db import connection, transaction

from listings import queries
from listings.models import Listing, Order
from microstore.contracts.contract import to_wire
from microstore.contracts.transactions import ORDER_CREATED, OrderCreated
from microstore.messaging.sending import outbox

FOR_SALE_FIELDS = ("id", "seller_id", "category", "price_cents", "currency", "available", "status")
PLACE_CHECKOUT = "SELECT place_checkout(%s, %s, %s, %s, %s)"


def find_listings(listing_ids: Iterable[int]) -> dict[int, Listing]:
    """What there is of these, with no more fields than a purchase needs."""
    return Listing.objects.only(*FOR_SALE_FIELDS).in_bulk(list(listing_ids))


def orders_of_checkout(checkout_id: UUID) -> list[Order]:
    """Its orders in the order of the items: their ids were made one after the other."""
    return list(Order.objects.filter(checkout_id=checkout_id).order_by("id"))


def place_checkout(orders: Sequence[Order], messages: Sequence[OrderCreated]) -> bool:
    """Reserve all stock, store all orders and send all messages; or do nothing, and return False.

    Nothing is done where any listing is no longer as its order says. Listings are locked in the order of
    their ids, so that two checkouts never wait for each other. PostgreSQL does it in one round trip and one
    transaction, by its function of the same name.
    """
    if connection.vendor == "postgresql":
        wanted = [_as_wanted(order, message) for order, message in zip(orders, messages, strict=True)]
        first = orders[0]
        with connection.cursor() as cursor:
            cursor.execute(
                PLACE_CHECKOUT,
                [first.buyer_id, first.checkout_id, first.trace, ORDER_CREATED.name, json.dumps(wanted)],
            )
            return bool(cursor.fetchone()[0])
    with transaction.atomic():
        placed = all(_place_order(*pair) for pair in zip(orders, messages, strict=True))
        transaction.set_rollback(not placed)
        return placed


def _place_order(order: Order, message: OrderCreated) -> bool:
    listing = queries.reserve_stock(order.listing_id, buyer_id=order.buyer_id, quantity=order.quantity)
    if not listing or (listing.price_cents, listing.currency) != (order.unit_price_cents, order.currency):
        return False
    order.save(force_insert=True)
    outbox.send_again(ORDER_CREATED, message)
    return True


def _as_wanted(order: Order, message: OrderCreated) -> dict[str, object]:
    return {
        "id": str(order.id),
        "listing": order.listing_id,
        "quantity": order.quantity,
        "price": order.unit_price_cents,
        "currency": order.currency,
        "key": order.idempotency_key,
        "hash": order.request_hash,
        "message": to_wire(message),
    }
