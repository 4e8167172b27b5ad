"""Editions in HTTP: `ETag` tells which one was read, `If-Match` which one is changed (RFC 9110, 13.1.1)."""

import re

from rest_framework.request import Request

from listings.catalogue.selling import Editions
from listings.models import Listing
from listings.refusals import EditionMissing


def etag(listing: Listing) -> dict[str, str]:
    """The header that names the listing's edition. Purchases change stock, but make no new edition."""
    return {"ETag": f'"{listing.edition}"'}


def known_editions(request: Request, *, needed: bool = False) -> Editions:
    """The editions in If-Match; None for `*`, or without the header. Raises EditionMissing if one is needed.

    A tag that is none of ours matches nothing.
    """
    header = request.headers.get("If-Match")
    if header is None and needed:
        raise EditionMissing("Send If-Match with the ETag of the listing as you read it.")
    if header is None or header.strip() == "*":
        return None
    # Not the digits of a weak tag, W/"3": If-Match compares strongly.
    return frozenset(int(digits) for digits in re.findall(r'(?<!W/)"([0-9]{1,9})"', header))
