"""Placing orders: those that are asked for at the same moment by one statement, and so by one commit."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import DatabaseError, connection, transaction

from listings import queries
from listings.buying.group_commit import GroupCommit
from listings.models import Listing, Order
from microstore.contracts.contract import to_json
from microstore.contracts.transactions import ORDER_CREATED, OrderPlaced
from microstore.messaging.sending import outbox

AT_ONCE = 50  # in one transaction, at most
PLACE_ORDER = "SELECT place_order(%s, %s, %s, %s)"
PLACE_ORDERS = "SELECT place_orders(%s::jsonb[], %s::text[], %s::text[], %s)"


class Placement(NamedTuple):
    """An order to be placed at the listing's price."""

    placed: OrderPlaced
    key: str | None
    request_hash: str


def place_order(placement: Placement) -> bool:
    """Reserve the stock, store the order at the listing's price and send the message; or do nothing: False.

    Nothing is done where so much is not for sale to this buyer, or the key stands for an order already.
    PostgreSQL does it in one round trip and one transaction, by its function of the same name; what other
    threads place meanwhile shares the next.
    """
    if connection.vendor != "postgresql":
        return _place_by_statements(placement)
    outcome = _place_in_company(placement)
    return _place_alone(placement) if outcome is None else outcome


def place_orders(placements: Sequence[Placement]) -> Sequence[bool | None]:
    """Do the same for all of them by one transaction; or nothing, where each has to be placed alone: None.

    That is where the database tells an error, which one of them may have caused: it has undone everything. A
    listing that somebody keeps locked is such an error. Where the connection is lost nobody knows what was
    done, and the error is raised.
    """
    placed, keys, hashes = zip(*placements, strict=True)
    texts = [to_json(each) for each in placed]
    try:
        with connection.cursor() as cursor:
            cursor.execute(PLACE_ORDERS, [texts, list(keys), list(hashes), ORDER_CREATED.name])
            return list(cursor.fetchone()[0])
    except DatabaseError:
        if connection.connection is None or connection.connection.closed:
            raise
        return [None] * len(placements)


_place_in_company = GroupCommit(place_orders, at_most=AT_ONCE)


def _place_alone(placement: Placement) -> bool:
    placed, key, request_hash = placement
    with connection.cursor() as cursor:
        cursor.execute(PLACE_ORDER, [to_json(placed), key, request_hash, ORDER_CREATED.name])
        return bool(cursor.fetchone()[0])


@transaction.atomic
def _place_by_statements(placement: Placement) -> bool:
    """The same where the database is for development."""
    placed, key, _ = placement
    if key is not None and queries.order_with_key(placed.buyer_id, key):
        return False
    listing = queries.reserve_stock(placed.listing_id, buyer_id=placed.buyer_id, quantity=placed.quantity)
    if listing is None:
        return False
    _store_order(placement, listing)
    return True


def _store_order(placement: Placement, listing: Listing) -> None:
    placed, key, request_hash = placement
    Order.objects.create(
        id=placed.order_id,
        buyer_id=placed.buyer_id,
        listing=listing,
        quantity=placed.quantity,
        unit_price_cents=listing.price_cents,
        currency=listing.currency,
        trace=placed.trace,
        idempotency_key=key,
        request_hash=request_hash,
    )
    message = ORDER_CREATED(
        **placed.model_dump(),
        seller_id=listing.seller_id,
        unit_price_cents=listing.price_cents,
        currency=listing.currency,
        category=listing.category,
    )
    outbox.send_again(ORDER_CREATED, message)
