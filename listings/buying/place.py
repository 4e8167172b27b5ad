"""Placing orders: purchases that come at the same moment share one statement, and so one commit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from pydantic_core import to_json
from uuid_utils.compat import uuid7

from listings import queries
from listings.buying.group_commit import GroupCommit
from listings.buying.offer import NOTHING_SEEN, Offer, ensure_as_seen
from listings.buying.open_orders import ensure_room, read_caps
from listings.models import Listing, Order
from listings.refusals import AccountGone
from listings.stock import ensure_can_buy
from microstore.contracts.transactions import ORDER_CREATED
from microstore.http.idempotency import hash_request
from microstore.refusal import Refusal

MOST_TOGETHER = 50  # purchases in one transaction
PLACE_ORDERS = "SELECT place_orders(%s, %s, %s)"
LONGEST_WAIT_TOGETHER, NO_LIMIT = "100ms", "0"  # for a listing's lock, as PostgreSQL's lock_timeout takes it


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
        seen = self.seen.hashed_fields() if self.seen else []
        return hash_request([self.listing_id, self.quantity, *seen])


class Placed(NamedTuple):
    """An order as its buyer is answered. To make a model of it took 7 % of the API's Python time."""

    id: UUID
    listing_id: int
    quantity: int
    trace: str
    checkout_id: UUID | None

    @classmethod
    def of(cls, order: Order) -> "Placed":
        """Return what was answered when the order was placed."""
        return cls(order.id, order.listing_id, order.quantity, order.trace, order.checkout_id)


Row = dict[str, Any]
# None: not placed, since the idempotency key has an order, or for a reason that is gone by now.
Outcome = Placed | Refusal | None


def place_orders(
    purchases: Sequence[Purchase], *, all_or_none: bool = False, longest_wait: str = NO_LIMIT
) -> Sequence[Outcome]:
    """Place an order for each purchase at its listing's present price, and send `order_created` for each.

    All of it is one transaction, and with `all_or_none` it is rolled back unless every outcome is an order.
    Raises DatabaseError, and then nothing is placed; after `longest_wait` for a lock, too.
    """
    rows = [_as_row(purchase) for purchase in purchases]
    placed = _store_all(rows) if all_or_none else _store(rows, longest_wait)
    if all(placed):
        return [_read_row(row) for row in rows]
    # The reasons are read afterwards and without a lock: by then one may be gone, and the caller tries again.
    left_out = [purchase for purchase, is_placed in zip(purchases, placed, strict=True) if not is_placed]
    reasons = _find_refusals(left_out)
    return [
        _read_row(row) if is_placed else next(reasons) for row, is_placed in zip(rows, placed, strict=True)
    ]


def place_order(purchase: Purchase) -> Placed | None:
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


def _as_row(purchase: Purchase) -> Row:
    seen = purchase.seen or NOTHING_SEEN
    return {
        "id": uuid7(),
        "event_id": uuid7(),
        "buyer_id": purchase.buyer_id,
        "listing_id": purchase.listing_id,
        "checkout_id": purchase.checkout_id,
        "quantity": purchase.quantity,
        "trace": purchase.trace,
        "idempotency_key": purchase.idempotency_key,
        "request_hash": purchase.request_hash,
        "seen_price_cents": seen.price_cents,
        "seen_currency": seen.currency,
        "fee_version": seen.fee_version or "",
        "seen_editions": None if seen.editions is None else list(seen.editions),
        **read_caps()._asdict(),
    }


def _read_row(row: Row) -> Placed:
    return Placed(row["id"], row["listing_id"], row["quantity"], row["trace"], row["checkout_id"])


def _store_all(rows: Sequence[Row]) -> list[bool]:
    with transaction.atomic():
        placed = _store(rows, NO_LIMIT)
        # If the function has left some out, the others are undone with their stock and messages.
        transaction.set_rollback(not all(placed))
    return placed if all(placed) else [False] * len(rows)


def _store(rows: Sequence[Row], longest_wait: str) -> list[bool]:
    with connection.cursor() as cursor:
        cursor.execute(PLACE_ORDERS, [to_json(rows).decode(), ORDER_CREATED.name, longest_wait])
        (placed,) = cursor.fetchone()
    return list(placed)


def _find_refusals(purchases: Sequence[Purchase]) -> Iterator[Refusal | None]:
    listings = Listing.objects.select_related("seller").in_bulk({each.listing_id for each in purchases})
    suspended = queries.suspended_among(purchase.buyer_id for purchase in purchases)
    for place, purchase in enumerate(purchases):
        try:
            if purchase.buyer_id in suspended:
                raise AccountGone(queries.GONE)
            listing = listings.get(purchase.listing_id)
            listing = ensure_can_buy(listing, buyer_id=purchase.buyer_id, quantity=purchase.quantity)
            ensure_as_seen(listing, purchase.seen or NOTHING_SEEN)
            ensure_room(
                buyer_id=purchase.buyer_id,
                listing_id=purchase.listing_id,
                ahead=place if purchase.checkout_id else 0,
            )
        except Refusal as refusal:
            yield refusal
        else:
            yield None
