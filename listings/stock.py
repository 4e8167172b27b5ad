"""Stock: whether a buyer can have so much of a listing, and giving back what an order had reserved.

It is reserved in buying/sql/place_orders.sql, and nowhere else.
"""

from django.conf import settings
from django.db.models import F
from django.utils.translation import gettext

from listings.models import Listing
from listings.refusals import ListingNotFound, OwnListing, SoldOut, TooManyPieces


def ensure_can_buy(listing: Listing | None, *, buyer_id: int, quantity: int) -> Listing:
    """Return the listing; raises the Refusal that says why this buyer cannot have so much of it."""
    if not listing or listing.status != Listing.Status.ON_SALE or not listing.seller.is_active:
        raise ListingNotFound(gettext("There is no such listing on sale."))
    if listing.seller_id == buyer_id:
        raise OwnListing(gettext("This is your own listing."))
    most = settings.MAX_PIECES_PER_ORDER
    if most and quantity > most:
        raise TooManyPieces(gettext("One order has {most} pieces at most.").format(most=most))
    if listing.available < quantity:
        left = gettext("Only {count} left.").format(count=listing.available)
        raise SoldOut(left if listing.available else gettext("It is sold out."))
    return listing


def release_stock(listing_id: int, *, quantity: int) -> None:
    """Give back what an order had reserved."""
    # Added in the database, not to a value read before: purchases change it at the same moment. The caller
    # has locked the order and found it pending, so that a second delivery does not give it back twice.
    Listing.objects.filter(id=listing_id).update(available=F("available") + quantity)
