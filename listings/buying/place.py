"""Placing orders: purchases that come at the same moment share one statement, and so one commit."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from uuid_utils.compat import uuid7

from listings.buying.group_commit import GroupCommit
from listings.buying.offer import Offer, ensure_as_seen
from listings.messages import order_created
from listings.models import Listing, Order
from listings.stock import ensure_can_buy
from microstore.contracts.contract import to_wire
from microstore.contracts.transactions import ORDER_CREATED
from microstore.refusal import Refusal

MOST_TOGETHER = 50  # purchases in one transaction
PLACE_ORDERS = "SELECT place_orders(%s, %s, %s)"
LONGEST_WAIT_TOGETHER, NO_LIMIT = "100ms", "0"  # for a listing's lock, as PostgreSQL's lock_timeout takes it
LISTING_FIELDS = (  # in the order of the model, by which `from_db` takes the values
    *("id", "seller_id", "title", "description", "category", "price_cents", "currency", "available"),
    *("status", "edition", "picture_id"),
)
READ_LISTINGS = f"SELECT {', '.join(LISTING_FIELDS)} FROM listings_listing WHERE id = ANY(%s)"  # noqa: S608  # no input
ORDER_FIELDS = (
    *("id", "buyer_id", "listing_id", "edition", "checkout_id", "quantity", "unit_price_cents", "currency"),
    *("trace", "idempotency_key", "request_hash"),
)


@dataclass(frozen=True)
class Purchase:
    """One listing times a quantity for one buyer, as a valid request asks for it."""

    listing_id: int
    buyer_id: int
    quantity: int
    trace: str
    idempotency_key: str | None = None
    seen: Offer | None = None  # by the buyer: a higher price is refused
    checkout_id: UUID | None = None
    checkout_hash: str = field(default="", repr=False)  # of all its items; on the first of them alone

    @property
    def request_hash(self) -> str:
        """Equal for two requests that an idempotency key may stand for."""
        if self.checkout_id:
            return self.checkout_hash
        seen = [self.seen.price_cents, self.seen.currency] if self.seen else []
        return sha256(json.dumps([self.listing_id, self.quantity, *seen]).encode()).hexdigest()


# None: not placed, since the listing has changed after it was read here or the idempotency key has an order.
Outcome = Order | Refusal | None


def place_orders(
    purchases: Sequence[Purchase], *, all_or_none: bool = False, longest_wait: str = NO_LIMIT
) -> Sequence[Outcome]:
    """Place an order for each purchase at its listing's present price, and send `order_created` for each.

    All of it is one transaction, and with `all_or_none` it is rolled back unless every outcome is an order.
    Raises DatabaseError, and then nothing is placed; after `longest_wait` for a lock, too.
    """
    listings = _read_listings({purchase.listing_id for purchase in purchases})
    outcomes = [_make_order(purchase, listings.get(purchase.listing_id)) for purchase in purchases]
    orders = [outcome for outcome in outcomes if isinstance(outcome, Order)]
    if not orders or (all_or_none and len(orders) < len(outcomes)):
        return outcomes
    placed = _store_all(orders) if all_or_none else _store(orders, longest_wait)
    return [outcome if isinstance(outcome, Refusal) or outcome in placed else None for outcome in outcomes]


def place_order(purchase: Purchase) -> Order | None:
    """Place one order, together with those of other threads at this moment; raises Refusal, DatabaseError."""
    outcome = _place_together(purchase)
    if isinstance(outcome, DatabaseError):
        (outcome,) = place_orders([purchase])
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome


def _place_group(purchases: Sequence[Purchase]) -> Sequence[Outcome | DatabaseError]:
    try:
        return place_orders(purchases, longest_wait=LONGEST_WAIT_TOGETHER)
    except DatabaseError as error:
        if connection.connection is None or connection.connection.closed:
            raise  # Nobody knows whether it was committed: each buyer has to ask again.
        return [error] * len(purchases)  # One of them may have caused it, so each is placed alone.


_place_together: GroupCommit[Purchase, Outcome | DatabaseError] = GroupCommit(
    _place_group, at_most=MOST_TOGETHER
)


def _read_listings(ids: Iterable[int]) -> dict[int, Listing]:
    # No lock is needed: an order is placed only where the listing still has the edition that is read here.
    with connection.cursor() as cursor:
        cursor.execute(READ_LISTINGS, [list(ids)])
        rows = [Listing.from_db(connection.alias, LISTING_FIELDS, row) for row in cursor.fetchall()]
    return {listing.id: listing for listing in rows}


def _make_order(purchase: Purchase, listing: Listing | None) -> Order | Refusal:
    try:
        listing = ensure_can_buy(listing, buyer_id=purchase.buyer_id, quantity=purchase.quantity)
        if purchase.seen:
            ensure_as_seen(listing, purchase.seen)
    except Refusal as refusal:
        return refusal
    return Order(
        id=uuid7(),
        listing=listing,
        buyer_id=purchase.buyer_id,
        edition=listing.edition,
        checkout_id=purchase.checkout_id,
        quantity=purchase.quantity,
        unit_price_cents=listing.price_cents,
        currency=listing.currency,
        trace=purchase.trace,
        idempotency_key=purchase.idempotency_key,
        request_hash=purchase.request_hash,
    )


def _store_all(orders: Sequence[Order]) -> list[Order]:
    with transaction.atomic():
        placed = _store(orders, NO_LIMIT)
        # If the function has left some out, the others are undone with their stock and messages.
        transaction.set_rollback(len(placed) < len(orders))
    return placed if len(placed) == len(orders) else []


def _store(orders: Sequence[Order], longest_wait: str) -> list[Order]:
    rows = json.dumps([_as_row(order) for order in orders], default=str)
    with connection.cursor() as cursor:
        cursor.execute(PLACE_ORDERS, [rows, ORDER_CREATED.name, longest_wait])
        (outcomes,) = cursor.fetchone()
    return [order for order, is_placed in zip(orders, outcomes, strict=True) if is_placed]


def _as_row(order: Order) -> dict[str, object]:
    row = {name: getattr(order, name) for name in ORDER_FIELDS}
    return {**row, "message": to_wire(order_created(order))}
