"""Visibility of pictures whose listing is not on sale. Workers, which delete files, do not load it."""

from typing import Any

from django.db.models import Q

from listings.models import Listing, ListingImage, Order
from microstore.staff.second_factor import acts_as_staff


def find_seen(image_id: int, viewer: Any) -> ListingImage | None:
    """Return the picture if the viewer may see it, as a user, an account of a token, or nobody."""
    image = ListingImage.objects.select_related("listing__seller").filter(pk=image_id).first()
    if image is None or (image.listing and _is_on_sale(image.listing)):
        return image
    if not viewer.is_authenticated:
        return None
    is_sellers = image.listing is not None and str(viewer.pk) == str(image.listing.seller_id)
    is_staff = acts_as_staff(viewer) and viewer.has_perm("listings.view_listing")
    return image if is_sellers or is_staff or _is_of_a_deal(image, viewer.pk) else None


def _is_on_sale(listing: Listing) -> bool:
    return listing.status == Listing.Status.ON_SALE and listing.seller.is_active


def _is_of_a_deal(image: ListingImage, user_id: int) -> bool:
    if image.listing_id is None:
        deals = Order.objects.filter(past_edition__picture=image)
        return deals.filter(Q(buyer_id=user_id) | Q(listing__seller_id=user_id)).exists()
    # What was there when an order was made stays visible to its buyer.
    bought = Order.objects.filter(buyer_id=user_id, listing_id=image.listing_id)
    return bought.filter(created_at__gte=image.created_at).exists()
