"""Staff take listings off sale, and put them back."""

from django.db import transaction

from listings.catalogue.selling import changes_edition
from listings.models import Listing
from microstore.staff.actions import read_reason, record


def withdraw_listing(listing_id: int, *, by: str, reason: str) -> bool:
    """Take a listing off sale, also one that is a draft; false where it is withdrawn by staff already.

    One conditional update: a purchase under way either reserved its stock before, or finds nothing on sale.
    """
    why = read_reason(reason)
    return _moderate(
        listing_id,
        "withdrew",
        by=by,
        why=why,
        found={"withdrawn_reason": ""},
        changed={"status": Listing.Status.WITHDRAWN, "withdrawn_reason": why},
    )


def restore_listing(listing_id: int, *, by: str, reason: str) -> bool:
    """Put what staff withdrew on sale again; false for what they did not."""
    return _moderate(
        listing_id,
        "restored",
        by=by,
        why=read_reason(reason),
        found={"withdrawn_reason__gt": ""},
        changed={"status": Listing.Status.ON_SALE, "withdrawn_reason": ""},
    )


@transaction.atomic
def _moderate(
    listing_id: int, action: str, *, by: str, why: str, found: dict[str, str], changed: dict[str, str]
) -> bool:
    if not changes_edition(Listing.objects.filter(pk=listing_id, **found), changed):
        return False
    record(action, by=by, target=f"listing {listing_id}", reason=why)
    return True
