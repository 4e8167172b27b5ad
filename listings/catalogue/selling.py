"""Use cases of sellers: edit, publish, withdraw and delete listings, and add pictures to them.

Stock and editions change by conditional updates alone, which concurrent purchases need.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext

from listings import queries
from listings.accounts.addresses import ensure_may_sell
from listings.catalogue.images import draw_picture
from listings.catalogue.picture_files import (
    Picture,
    delete_files,
    discard_files,
    new_names,
    remove_picture,
    store_files,
)
from listings.models import Listing, ListingImage, Order
from listings.refusals import (
    AccountGone,
    AlreadyOrdered,
    EditionOutdated,
    ListingNotFound,
    NotYours,
    TooManyImages,
    WithdrawnByStaff,
)
from microstore.refusal import Refusal

MAX_IMAGES = 8
Editions = frozenset[int] | None  # those that the caller has read; None for any


def own_listing(listing_id: int, *, seller_id: int) -> Listing:
    """Return the listing if it is the seller's own. Raises ListingNotFound, NotYours or AccountGone."""
    listing = queries.visible_listings(seller_id).filter(id=listing_id).first()
    if listing is None:
        raise ListingNotFound(gettext("There is no such listing."))
    if listing.seller_id != seller_id:
        raise NotYours(gettext("Only its seller may change a listing."))
    if not listing.seller.is_active:
        raise AccountGone(gettext("The account of this token is no longer active."))
    return listing


def edit_listing(listing: Listing, changes: dict[str, Any], *, editions: Editions) -> Listing:
    """Change fields of a listing; a new `quantity` changes `available` by the same amount.

    Raises EditionOutdated after a concurrent edit, AlreadyOrdered if more is ordered than the new quantity,
    WithdrawnByStaff for what is kept as evidence; then nothing has changed.
    """
    # One conditional UPDATE: a purchase at the same moment has reserved its stock before it, and counts, or
    # waits for the row and then finds another edition.
    rows = _rows_of(listing, editions).filter(withdrawn_reason="")
    values = dict(changes)
    if "quantity" in changes:
        quantity = changes["quantity"]
        rows = rows.filter(quantity__lte=F("available") + quantity)
        values["available"] = F("available") + quantity - F("quantity")
    if not update_if_unchanged(rows, values):
        raise _refusal_of(listing, editions, _withdrawn_or_ordered)
    return own_listing(listing.id, seller_id=listing.seller_id)


def publish_listing(listing: Listing, *, editions: Editions) -> Listing:
    """Put a listing on sale. Raises EditionOutdated, WithdrawnByStaff or AddressNotVerified."""
    ensure_may_sell(listing.seller)
    rows = _rows_of(listing, editions).filter(withdrawn_reason="")
    return _set_status(listing, {"status": Listing.Status.ON_SALE}, rows, editions)


def withdraw_listing(listing: Listing, *, editions: Editions) -> Listing:
    """Take a listing and its pictures off sale; its orders stay valid. Raises EditionOutdated."""
    with new_names(listing.id):
        _withdraw(listing, editions)
    return own_listing(listing.id, seller_id=listing.seller_id)


def delete_listing(listing: Listing, *, editions: Editions) -> Listing | None:
    """Delete a listing and return None; one that has orders is withdrawn instead, and returned.

    Raises EditionOutdated or WithdrawnByStaff: listings that staff withdrew are kept as evidence.
    """
    with new_names(listing.id):
        # Withdrawing comes first: its UPDATE waits for concurrent purchases and for staff who withdraw it, so
        # that their orders and their reason are visible to the statements below.
        withdrawn = _withdraw(listing, editions)
        if withdrawn.withdrawn_reason:
            raise _withdrawn_by_staff(withdrawn)
        has_orders = Order.objects.filter(listing_id=listing.id).exists()
        if not has_orders:
            discard_files(ListingImage.objects.filter(listing_id=listing.id))
            # No purchase can come in between: each needs the row's lock, which the update above holds.
            Listing.objects.get(id=listing.id).delete()
    return own_listing(listing.id, seller_id=listing.seller_id) if has_orders else None


def draw_uploads(uploads: "Sequence[UploadedFile[Any]]") -> list[Picture]:
    """Return the pictures, all of them drawn before the first is stored: a rollback deletes no file.

    Raises BadImage, ImageTooLarge, ImagesBusy, or TooManyImages before any is decoded.
    """
    _ensure_room(len(uploads))
    return [draw_picture(upload.file, size_bytes=upload.size or 0) for upload in uploads if upload.file]


def add_image(listing: Listing, picture: Picture) -> ListingImage:
    """Store a picture and its thumbnail.

    Raises TooManyImages, WithdrawnByStaff, or ListingNotFound for one deleted meanwhile.
    """
    # Files before the row: a process that dies in between leaves files that no row names, but never a row
    # without files.
    names = store_files(listing.id, picture)
    image = ListingImage(listing=listing, width=picture.width, height=picture.height)
    image.large, image.small = names
    try:
        _insert_image(listing.id, image)
    except BaseException:
        delete_files(names)
        raise
    return image


def remove_image(listing: Listing, image_id: int) -> None:
    """Remove a picture of the listing; orders go on showing it.

    Raises ListingNotFound or WithdrawnByStaff.
    """
    with transaction.atomic():
        # Locked, so that a concurrent withdrawal by staff is visible here or waits for this transaction.
        now = Listing.objects.select_for_update().filter(id=listing.id).first()
        image = ListingImage.objects.filter(listing=listing, id=image_id).first()
        if now is None or image is None:
            raise ListingNotFound(gettext("This listing has no such image."))
        if now.withdrawn_reason:
            raise _withdrawn_by_staff(now)
        remove_picture(image)


@transaction.atomic
def order_images(listing: Listing, image_ids: Sequence[int]) -> None:
    """Show the pictures in this order, the first one in lists and of orders from now on.

    Raises EditionOutdated unless these are all pictures of the listing, each once, and WithdrawnByStaff.
    """
    # Locked as for an upload, which would make the order one of not all pictures.
    now = Listing.objects.select_for_update().filter(id=listing.id).first()
    images = {image.pk: image for image in ListingImage.objects.filter(listing=listing)}
    if now is None or sorted(image_ids) != sorted(images):
        raise EditionOutdated(gettext("The listing has been changed meanwhile; read it again."))
    if now.withdrawn_reason:
        raise _withdrawn_by_staff(now)
    for position, image_id in enumerate(image_ids):
        images[image_id].position = position
    # One statement: the trigger that keeps the first picture sees the new order, never half of it.
    ListingImage.objects.bulk_update(images.values(), ["position"])


def _rows_of(listing: Listing, editions: Editions) -> QuerySet[Listing]:
    row = Listing.objects.filter(id=listing.id)
    return row if editions is None else row.filter(edition__in=editions)


def update_if_unchanged(rows: QuerySet[Listing], values: dict[str, Any]) -> bool:
    """Update the rows and increment their edition; return False if no row matched."""
    return bool(rows.update(**values, edition=F("edition") + 1, updated_at=timezone.now()))


def _refusal_of(listing: Listing, editions: Editions, otherwise: Callable[[Listing], Refusal]) -> Refusal:
    now = Listing.objects.filter(id=listing.id).first()
    if now is None:
        return ListingNotFound(gettext("There is no such listing."))
    if editions is not None and now.edition not in editions:
        return EditionOutdated(gettext("The listing has been changed meanwhile; read it again."))
    return otherwise(now)


def _withdrawn_or_ordered(now: Listing) -> Refusal:
    if now.withdrawn_reason:
        return _withdrawn_by_staff(now)
    text = gettext("{ordered} are ordered already; quantity cannot be less.")
    return AlreadyOrdered(text.format(ordered=now.quantity - now.available))


def _withdrawn_by_staff(now: Listing) -> Refusal:
    text = gettext("Staff withdrew this listing ({reason}). Only staff can restore it.")
    return WithdrawnByStaff(text.format(reason=now.withdrawn_reason))


def _withdraw(listing: Listing, editions: Editions) -> Listing:
    # Also one that staff have withdrawn: restored, it is not on sale again.
    withdrawn = Listing.Status.WITHDRAWN
    values = {"status": withdrawn, "restored_as": withdrawn}
    return _set_status(listing, values, _rows_of(listing, editions), editions)


def _set_status(
    listing: Listing, values: dict[str, Any], rows: QuerySet[Listing], editions: Editions
) -> Listing:
    if not update_if_unchanged(rows, values):
        raise _refusal_of(listing, editions, _withdrawn_by_staff)
    return own_listing(listing.id, seller_id=listing.seller_id)


@transaction.atomic
def _insert_image(listing_id: int, image: ListingImage) -> None:
    # Locked, so that concurrent uploads are counted one after the other.
    listing = Listing.objects.select_for_update().filter(id=listing_id).first()
    if listing is None:
        raise ListingNotFound(gettext("There is no such listing."))
    if listing.withdrawn_reason:
        raise _withdrawn_by_staff(listing)
    _ensure_room(ListingImage.objects.filter(listing_id=listing_id).count() + 1)
    image.save()


def _ensure_room(images: int) -> None:
    if images > MAX_IMAGES:
        text = gettext("A listing has at most {most} images; delete one first.")
        raise TooManyImages(text.format(most=MAX_IMAGES))
