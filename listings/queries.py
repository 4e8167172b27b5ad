"""Questions to the listings database, and the one way in which stock changes."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import DEFAULT_DB_ALIAS, connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from psycopg2.extras import execute_values

from listings.models import Listing, LiveEvent, Order
from listings.refusals import AccountGone, ListingNotFound, OwnListing, SoldOut
from microstore.contracts.contract import to_json
from microstore.contracts.transactions import ORDER_CREATED, OrderCreated
from microstore.messaging import outbox

OVERLAP_EVENTS = 1_000
OVERLAP_SECONDS = 10
RECENT_EVENTS = 10_000

# The two statements of a purchase, written out: to have Django build them each time costs more than they do.
FOR_SALE_FIELDS = ("id", "seller_id", "category", "price_cents", "currency", "available", "status")
FIND_FOR_SALE = f"SELECT {', '.join(FOR_SALE_FIELDS)} FROM listings_listing WHERE id = %s"  # noqa: S608  # constants
PLACED_FIELDS = (
    *("id", "buyer_id", "listing_id", "quantity", "unit_price_cents", "currency"),
    *("trace", "idempotency_key", "request_hash"),
)
COMPLETE_ORDERS = """
UPDATE listings_order SET status = 'completed', transaction_id = sale.transaction_id,
    fee_cents = sale.fee_cents, total_cents = sale.total_cents, settled_at = sale.settled_at
FROM (VALUES %s) AS sale (transaction_id, fee_cents, total_cents, settled_at, id)
WHERE listings_order.id = sale.id
"""
COMPLETE_ORDER = """
UPDATE listings_order SET status = 'completed', transaction_id = %s, fee_cents = %s, total_cents = %s,
    settled_at = %s WHERE id = %s
"""
PLACE_ORDER = f"SELECT place_order({', '.join(['%s'] * len(PLACED_FIELDS))}, %s, %s)"


def find_for_sale(listing_id: int, *, buyer_id: int, quantity: int) -> Listing:
    """What the buyer wants, with no more fields than a purchase needs; or raises the reason why not."""
    with connection.cursor() as cursor:
        cursor.execute(FIND_FOR_SALE, [listing_id])
        row = cursor.fetchone()
    return refuse_sale(row and Listing.from_db(DEFAULT_DB_ALIAS, FOR_SALE_FIELDS, row), buyer_id, quantity)


def refuse_sale(listing: Listing | None, buyer_id: int, quantity: int) -> Listing:
    """Raise the reason why the buyer cannot have so many of it; without one, return the listing."""
    if not listing or listing.status != Listing.Status.ON_SALE:
        raise ListingNotFound("There is no such listing on sale.")
    if listing.seller_id == buyer_id:
        raise OwnListing("This is your own listing.")
    if listing.available < quantity:
        raise SoldOut(f"Only {listing.available} left." if listing.available else "It is sold out.")
    return listing


def place_order(order: Order, message: OrderCreated) -> bool:
    """Reserve the stock, store the order and send the message; or do nothing, and return False.

    Nothing is done where the listing is no longer as the order says: sold, withdrawn, at another price.
    PostgreSQL does it in one round trip and one transaction, by its function of the same name.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            values = [getattr(order, field) for field in PLACED_FIELDS]
            cursor.execute(PLACE_ORDER, [*values, ORDER_CREATED.name, to_json(message)])
            placed = bool(cursor.fetchone()[0])
        order._state.adding = not placed  # it is stored, though not by save()
        return placed
    with transaction.atomic():
        wanted = Listing.objects.filter(id=order.listing_id, status=Listing.Status.ON_SALE)
        unchanged = wanted.filter(price_cents=order.unit_price_cents, currency=order.currency)
        enough = unchanged.exclude(seller_id=order.buyer_id).filter(available__gte=order.quantity)
        if not enough.update(available=F("available") - order.quantity):
            return False
        order.save(force_insert=True)
        outbox.send_again(ORDER_CREATED, message)
        return True


def release_stock(listing_id: int, *, quantity: int) -> None:
    """Give back what an order had reserved."""
    Listing.objects.filter(id=listing_id).update(available=F("available") + quantity)


def visible_listings(user_id: int | None) -> QuerySet[Listing]:
    """Everybody sees what is on sale; sellers also see their own drafts and what they withdrew."""
    own = Q(seller_id=user_id) if user_id else Q()
    return (
        Listing.objects.filter(Q(status=Listing.Status.ON_SALE) | own)
        .select_related("seller")
        .prefetch_related("images")
    )


def orders_of(user_id: int) -> QuerySet[Order]:
    """Orders that the user may see: as buyer or as seller."""
    return Order.objects.filter(Q(buyer_id=user_id) | Q(listing__seller_id=user_id)).select_related("listing")


def order_with_key(buyer_id: int, key: str) -> Order | None:
    """The order that this idempotency key stands for."""
    return Order.objects.filter(buyer_id=buyer_id, idempotency_key=key).first()


def lock_orders(order_ids: Sequence[UUID]) -> dict[UUID, Order]:
    """The orders, locked in the order of their ids, so that two batches cannot wait for each other."""
    orders = Order.objects.select_for_update(of=("self",)).select_related("listing").order_by("id")
    return {order.id: order for order in orders.filter(id__in=order_ids)}


def store_completion(orders: Sequence[Order]) -> list[LiveEvent]:
    """Store what `complete` has set, and the event of each sale; returns the events."""
    if not orders:
        return []
    rows = [(o.transaction_id, o.fee_cents, o.total_cents, o.settled_at, o.id) for o in orders]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with connection.wrap_database_errors:
                execute_values(cursor.cursor, COMPLETE_ORDERS, rows, page_size=len(rows))
        else:
            cursor.executemany(COMPLETE_ORDER, [_for_sqlite(row) for row in rows])
    return LiveEvent.objects.bulk_create([_item_sold_event(order) for order in orders])


def _for_sqlite(values: Iterable[Any]) -> list[Any]:
    return [
        value.hex if isinstance(value, UUID) else connection.ops.adapt_unknown_value(value)
        for value in values
    ]


def _item_sold_event(order: Order) -> LiveEvent:
    payload = {
        "listing_id": order.listing_id,
        "order_id": str(order.id),
        "quantity": order.quantity,
        "available": order.listing.available,
        "trace_id": order.trace_id,
    }
    return LiveEvent(type="item_sold", order_id=order.id, listing_id=order.listing_id, payload=payload)


def find_account(user_id: int) -> User:
    """The user that a token names, or AccountGone."""
    user = User.objects.filter(id=user_id, is_active=True).first()
    if user is None:
        raise AccountGone("The account of this token no longer exists.")
    return user


def resume_point(seq: int) -> int:
    """After which seq to read for a client that knows events up to `seq`.

    Transactions do not commit in the order of their seq, so a late one may be lower than one already seen:
    some of what came shortly before is read again.
    """
    just_now = timezone.now() - timedelta(seconds=OVERLAP_SECONDS)
    late = LiveEvent.objects.filter(seq__gt=seq - OVERLAP_EVENTS, seq__lte=seq, created_at__gte=just_now)
    first = late.order_by("seq").values_list("seq", flat=True).first()
    return seq if first is None else first - 1


def events_after(seq: int, *, limit: int) -> list[LiveEvent]:
    """What the live feed has said since, oldest first."""
    return list(LiveEvent.objects.filter(seq__gt=seq).order_by("seq")[:limit])


def recent_seqs() -> list[int]:
    """The seqs of the latest events, latest first."""
    return list(LiveEvent.objects.order_by("-seq").values_list("seq", flat=True)[:RECENT_EVENTS])


def events_with_seqs(seqs: Sequence[int]) -> list[LiveEvent]:
    """These events, oldest first."""
    return list(LiveEvent.objects.filter(seq__in=seqs).order_by("seq")) if seqs else []


def events_of_orders(order_ids: Sequence[UUID]) -> list[LiveEvent]:
    """What the live feed has to say of these orders, oldest first."""
    return list(LiveEvent.objects.filter(order_id__in=order_ids).order_by("seq"))
