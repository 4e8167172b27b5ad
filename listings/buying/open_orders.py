"""Open orders of a buyer: bounded, so that nobody holds a shop's stock by orders that are not settled."""

from typing import NamedTuple

from django.conf import settings
from django.db.models import Count, Q
from django.utils.translation import gettext

from listings.models import Order
from listings.refusals import TooManyOpenOrders


class Caps(NamedTuple):
    """Bounds of one purchase as place_orders.sql takes them; None is no bound."""

    most_pieces: int | None
    most_open: int | None
    most_open_of_listing: int | None


def read_caps() -> Caps:
    """Return the bounds of the settings, of which 0 is none."""
    return Caps(
        settings.MAX_PIECES_PER_ORDER or None,
        settings.MAX_OPEN_ORDERS or None,
        settings.MAX_OPEN_ORDERS_OF_LISTING or None,
    )


def ensure_room(*, buyer_id: int, listing_id: int, ahead: int) -> None:
    """Refuse one more order of a buyer who has too many open ones; raises TooManyOpenOrders.

    `ahead` is how many other orders the same checkout makes before this one.
    """
    caps, pending = read_caps(), Order.objects.filter(buyer_id=buyer_id, settled_at=None)
    counted = pending.aggregate(all=Count("id"), of_listing=Count("id", filter=Q(listing_id=listing_id)))
    if caps.most_open and counted["all"] + ahead >= caps.most_open:
        text = gettext("Of your orders {most} at most may wait to be settled.")
        raise TooManyOpenOrders(text.format(most=caps.most_open))
    if caps.most_open_of_listing and counted["of_listing"] >= caps.most_open_of_listing:
        text = gettext("Of your orders of one listing {most} at most may wait to be settled.")
        raise TooManyOpenOrders(text.format(most=caps.most_open_of_listing))
