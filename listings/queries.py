"""Queries that several capabilities read by: visible listings, orders of somebody, locks."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy

from listings.models import Listing, Order
from listings.refusals import AccountGone

GONE = gettext_lazy("The account of this token no longer exists, or is suspended.")
ON_SALE = Q(status=Listing.Status.ON_SALE, seller__is_active=True)  # nothing of a suspended seller


def visible_listings(user_id: int | None) -> QuerySet[Listing]:
    """Return what is on sale, and of the user's own listings also drafts and withdrawn ones."""
    own = Q(seller_id=user_id) if user_id else Q()
    return whole_listings().filter(ON_SALE | own)


def whole_listings() -> QuerySet[Listing]:
    """Return all listings with their sellers and pictures."""
    return Listing.objects.select_related("seller").prefetch_related("images")


def orders_of(user_id: int) -> QuerySet[Order]:
    """Return the orders that the user may see: those bought and those sold."""
    own = Q(buyer_id=user_id) | Q(listing__seller_id=user_id)
    return Order.objects.filter(own).select_related("listing", "past_edition")


def order_with_key(buyer_id: int, key: str) -> Order | None:
    """Return the order that was made with this idempotency key."""
    return Order.objects.filter(buyer_id=buyer_id, idempotency_key=key).first()


def lock_orders(order_ids: Sequence[UUID]) -> dict[UUID, Order]:
    """Return the orders by id, locked until the transaction ends; those that do not exist are left out."""
    # Locked in the order of their ids, so that two batches cannot wait for each other. `of`: not the
    # listings, whose rows every purchase of them locks.
    orders = Order.objects.select_for_update(of=("self",)).select_related("listing", "past_edition")
    return {order.id: order for order in orders.filter(id__in=order_ids).order_by("id")}


def orders_of_checkout(checkout_id: UUID) -> list[Order]:
    """Return its orders in the order of the items: their ids were made one after the other."""
    return list(Order.objects.filter(checkout_id=checkout_id).order_by("id"))


def find_account(user_id: int) -> User:
    """Return the user that a token names; raises AccountGone."""
    user = User.objects.filter(id=user_id, is_active=True).first()
    if user is None:
        raise AccountGone(GONE)
    return user


def suspended_among(user_ids: Iterable[int]) -> set[int]:
    """Return those of the users whose accounts are suspended."""
    return set(User.objects.filter(id__in=set(user_ids), is_active=False).values_list("id", flat=True))
