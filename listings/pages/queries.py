"""Questions that only the pages ask."""

from collections.abc import Sequence

from django.db.models import QuerySet

from listings.models import Listing, LiveEvent, Order


def latest_seq() -> int:
    """The latest event of the live feed: a page shows what was so then."""
    return LiveEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0


def stock_of(listing_ids: Sequence[int]) -> dict[int, int]:
    """How many are left of each that is on sale; of any other, none."""
    on_sale = Listing.objects.filter(id__in=listing_ids, status=Listing.Status.ON_SALE)
    return dict.fromkeys(listing_ids, 0) | dict(on_sale.values_list("id", "available"))


def listings_of(seller_id: int) -> QuerySet[Listing]:
    """All that a seller has made, newest first."""
    return Listing.objects.filter(seller_id=seller_id).prefetch_related("images").order_by("-id")


def orders_bought_by(user_id: int) -> QuerySet[Order]:
    """What the user has bought, with what it was."""
    return _with_listing(Order.objects.filter(buyer_id=user_id))


def orders_sold_by(user_id: int) -> QuerySet[Order]:
    """What others have bought of the user."""
    return _with_listing(Order.objects.filter(listing__seller_id=user_id))


def _with_listing(orders: QuerySet[Order]) -> QuerySet[Order]:
    return orders.select_related("listing__seller", "buyer").prefetch_related("listing__images")
