"""Editions of listings as HTTP validators: `ETag` and `If-Match` (RFC 9110, 8.8.3 and 13.1.1)."""

import re

from rest_framework.request import Request

from listings.catalogue.selling import Editions
from listings.models import Listing
from listings.refusals import EditionMissing

STRONG = re.compile(r'(?:^|,)[ \t]*"([1-9][0-9]{0,8})"[ \t]*(?=,|$)')


def etag(listing: Listing) -> dict[str, str]:
    """Return the ETag header of the listing's edition. Purchases change stock, but not the edition."""
    return {"ETag": f'"{listing.edition}"'}


def known_editions(request: Request, *, needed: bool = False) -> Editions:
    """Return the editions in If-Match; None (any edition) for `*` or without the header.

    Weak tags and those of another form match nothing. Raises EditionMissing if `needed` and not sent.
    """
    header = request.headers.get("If-Match")
    if header is None and needed:
        raise EditionMissing("Send If-Match with the ETag of the listing as you read it.")
    if header is None or header.strip() == "*":
        return None
    # Not the digits of a weak tag, W/"3", nor others of the same number, "03": If-Match compares strongly.
    return frozenset(int(digits) for digits in STRONG.findall(header))
