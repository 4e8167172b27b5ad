"""Files of pictures, whose names are public only while their listing is on sale (decision 0136)."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple
from uuid import uuid4

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from listings.models import DiscardedFile, ListingEdition, ListingImage

FOLDER = "listings"
DISCARDED_AT_ONCE = 100


class Picture(NamedTuple):
    """Large and small JPEG of one picture; width and height of the large one, in pixels."""

    large: ContentFile  # type: ignore[type-arg]  # cannot be subscripted at run time
    small: ContentFile  # type: ignore[type-arg]
    width: int
    height: int


class Names(NamedTuple):
    """Names of the two files of a picture in the storage."""

    large: str
    small: str


def store_files(listing_id: int, picture: Picture) -> Names:
    """Store both files under names that cannot be guessed, and return these."""
    name = f"{FOLDER}/{listing_id}/{uuid4().hex}"
    large = default_storage.save(f"{name}.jpg", picture.large)
    return Names(large, default_storage.save(f"{name}-small.jpg", picture.small))


def delete_files(names: Names) -> None:
    """Delete files that no row names."""
    for name in names:
        default_storage.delete(name)


@contextmanager
def new_names(listing_id: int) -> Iterator[None]:
    """Run a block that takes the listing off sale in a transaction, and rename its pictures with it.

    Whoever has seen the listing knows the old names, under which the storage serves files to everybody.
    """
    # Copied before the block locks the listing: the storage can be another machine.
    copies = {image.pk: _copy(image) for image in ListingImage.objects.filter(listing_id=listing_id)}
    used: set[int] = set()
    try:
        with transaction.atomic():
            yield
            # The block has locked the listing, so that no picture is added any more. One that was added since
            # the copies were made is copied here.
            for image in ListingImage.objects.filter(listing_id=listing_id):
                _rename(image, copies.get(image.pk) or _copy(image))
                used.add(image.pk)
    finally:
        for names in (names for pk, names in copies.items() if names and pk not in used):
            delete_files(names)


def discard_files(images: Iterable[ListingImage]) -> None:
    """Delete the files of these pictures once the transaction has committed.

    Only those in the listing's own folder, or of no other picture: `seed` gives several listings one file.
    """
    names = [name for image in images for name in names_of(image) if not _is_shared(image, name)]
    # Rows of the same transaction: a process that dies after its commit leaves them to the next one.
    DiscardedFile.objects.bulk_create(DiscardedFile(name=name) for name in names)
    # The rollback of a transaction keeps the rows of its pictures, which name the files.
    transaction.on_commit(delete_discarded, robust=True)


def delete_discarded() -> None:
    """Delete the files that committed transactions have discarded, also those of a process that died."""
    with transaction.atomic():
        rows = list(DiscardedFile.objects.select_for_update(skip_locked=True)[:DISCARDED_AT_ONCE])
        for row in rows:
            default_storage.delete(row.name)
        DiscardedFile.objects.filter(pk__in=[row.pk for row in rows]).delete()


def remove_picture(image: ListingImage) -> None:
    """Take a picture from its listing, whose row the caller has locked, and delete it unless orders show it.

    One that orders show gets new names after the commit: whoever has seen the listing knows the old ones.
    """
    # First of all: its trigger gives the listing its next edition, and keeps the one that was ordered.
    ListingImage.objects.filter(pk=image.pk).update(listing=None)
    if ListingEdition.objects.filter(picture=image).exists():
        transaction.on_commit(lambda: _hide(image), robust=True)
    else:
        discard_files([image])
        image.delete()


def names_of(image: ListingImage) -> Names:
    """Return the names of the picture's files."""
    return Names(str(image.large.name), str(image.small.name))


def _is_shared(image: ListingImage, name: str) -> bool:
    if name.startswith(f"{FOLDER}/{image.listing_id}/"):
        return False
    others = ListingImage.objects.exclude(pk=image.pk)
    return others.filter(large=name).exists() or others.filter(small=name).exists()


def _copy(image: ListingImage) -> Names | None:
    # None where a file is missing: the row then keeps its names, which lead to nothing.
    assert image.listing_id is not None  # also of one that was taken from it since it was read
    with suppress(FileNotFoundError):
        large, small = map(_read, names_of(image))
        return store_files(image.listing_id, Picture(large, small, image.width, image.height))
    return None


def _read(name: str) -> ContentFile:  # type: ignore[type-arg]  # cannot be subscripted at run time
    with default_storage.open(name) as file:
        return ContentFile(file.read())


def _hide(image: ListingImage) -> None:
    copy = _copy(image)
    with transaction.atomic():
        _rename(image, copy)


def _rename(image: ListingImage, names: Names | None) -> None:
    if names:
        discard_files([image])
        ListingImage.objects.filter(pk=image.pk).update(large=names.large, small=names.small)
