"""Queries that several capabilities read by: visible listings, orders of somebody, locks."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone

from listings.models import Listing, LiveEvent, Order
from listings.refusals import AccountGone

OVERLAP_EVENTS = 1_000
OVERLAP_SECONDS = 10
RECENT_EVENTS = 1_000
LOOKED_AT_ONCE = 10_000


def visible_listings(user_id: int | None) -> QuerySet[Listing]:
    """Return what is on sale, and of the user's own listings also drafts and withdrawn ones."""
    own = Q(seller_id=user_id) if user_id else Q()
    return (
        Listing.objects.filter(Q(status=Listing.Status.ON_SALE) | own)
        .select_related("seller")
        .prefetch_related("images")
    )


def orders_of(user_id: int) -> QuerySet[Order]:
    """Return the orders that the user may see: those bought and those sold."""
    return Order.objects.filter(Q(buyer_id=user_id) | Q(listing__seller_id=user_id)).select_related("listing")


def order_with_key(buyer_id: int, key: str) -> Order | None:
    """Return the order that was made with this idempotency key."""
    return Order.objects.filter(buyer_id=buyer_id, idempotency_key=key).first()


def lock_orders(order_ids: Sequence[UUID]) -> dict[UUID, Order]:
    """Return the orders by id, locked until the transaction ends; those that do not exist are left out."""
    # Locked in the order of their ids, so that two batches cannot wait for each other.
    orders = Order.objects.select_for_update(of=("self",)).select_related("listing").order_by("id")
    return {order.id: order for order in orders.filter(id__in=order_ids)}


def orders_of_checkout(checkout_id: UUID) -> list[Order]:
    """Return its orders in the order of the items: their ids were made one after the other."""
    return list(Order.objects.filter(checkout_id=checkout_id).order_by("id"))


def find_account(user_id: int) -> User:
    """Return the user that a token names; raises AccountGone."""
    user = User.objects.filter(id=user_id, is_active=True).first()
    if user is None:
        raise AccountGone("The account of this token no longer exists.")
    return user


def resume_point(seq: int) -> int:
    """Return the seq after which to read for a client that knows events up to `seq`."""
    # Transactions do not commit in the order of their seq, so a late one may be lower than one already seen:
    # some events that came shortly before are read again, and clients drop what they have by its seq.
    just_now = timezone.now() - timedelta(seconds=OVERLAP_SECONDS)
    late = LiveEvent.objects.filter(seq__gt=seq - OVERLAP_EVENTS, seq__lte=seq, created_at__gte=just_now)
    first = late.order_by("seq").values_list("seq", flat=True).first()
    return seq if first is None else first - 1


def events_after(seq: int, *, limit: int) -> list[LiveEvent]:
    """Return the events after this sequence number, oldest first."""
    return list(LiveEvent.objects.filter(seq__gt=seq).order_by("seq")[:limit])


def recent_seqs() -> list[int]:
    """Return the seqs of the latest events, latest first."""
    return list(LiveEvent.objects.order_by("-seq").values_list("seq", flat=True)[:RECENT_EVENTS])


def seqs_after(seq: int) -> list[int]:
    """Return the seqs of the events after this one, oldest first."""
    later = LiveEvent.objects.filter(seq__gt=seq).order_by("seq")
    return list(later.values_list("seq", flat=True)[:LOOKED_AT_ONCE])


def events_with_seqs(seqs: Sequence[int]) -> list[LiveEvent]:
    """Return the events with these seqs, oldest first."""
    return list(LiveEvent.objects.filter(seq__in=seqs).order_by("seq")) if seqs else []


def events_of_orders(order_ids: Sequence[UUID]) -> list[LiveEvent]:
    """Return the events of these orders, oldest first."""
    return list(LiveEvent.objects.filter(order_id__in=order_ids).order_by("seq"))
