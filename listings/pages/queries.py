"""Questions that only the pages ask."""

from collections.abc import Sequence

from django.db.models import QuerySet

from listings.models import Listing, LiveEvent, Order, Profile
from listings.notifications.models import Notification

MAX_COUNTED = 100


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


def notifications_of(user_id: int) -> QuerySet[Notification]:
    """What the user has been told."""
    return Notification.objects.filter(recipient=user_id)


def unread_of(user_id: int | None) -> int:
    """How many of these are unread, a hundred at most; strangers have none."""
    if user_id is None:
        return 0
    return notifications_of(user_id).filter(read_at=None)[:MAX_COUNTED].count()


def wants_email(user_id: int) -> bool:
    """Whether the user wants e-mail; who has chosen nothing does."""
    return not Profile.objects.filter(user=user_id, email_notifications=False).exists()


def _with_listing(orders: QuerySet[Order]) -> QuerySet[Order]:
    return orders.select_related("listing__seller", "buyer").prefetch_related("listing__images")
