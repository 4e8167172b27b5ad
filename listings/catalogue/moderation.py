"""Withdrawing and restoring of listings by staff."""

from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from listings.catalogue.picture_files import new_names
from listings.catalogue.selling import update_if_unchanged
from listings.models import Listing, Report
from microstore.database.texts import read_reason
from microstore.staff.actions import record


def withdraw_listing(listing_id: int, *, by: str, reason: str) -> bool:
    """Take a listing or draft and its pictures off sale; return False if staff have withdrawn it already."""
    reason = read_reason(reason)
    with new_names(listing_id):
        # One conditional update: a concurrent purchase has reserved its stock before it, or finds nothing.
        return _moderate(
            listing_id,
            "withdrew",
            by=by,
            reason=reason,
            found={"withdrawn_reason": ""},
            changed={
                "status": Listing.Status.WITHDRAWN,
                "withdrawn_reason": reason,
                "restored_as": F("status"),
            },
        )


def decide_reports(found: dict[str, int], state: Report.State, *, by: str) -> int:
    """Close the waiting reports with these columns; return how many there were."""
    waiting = Report.objects.filter(state=Report.State.WAITING, **found)
    return waiting.update(state=state, decided_by=by, decided_at=Now())


def restore_listing(listing_id: int, *, by: str, reason: str) -> bool:
    """Give a listing back the status that it had; return False if staff did not withdraw it.

    A draft is a draft again, and what its seller has withdrawn, before or since, stays so.
    """
    return _moderate(
        listing_id,
        "restored",
        by=by,
        reason=read_reason(reason),
        found={"withdrawn_reason__gt": ""},
        changed={"status": F("restored_as"), "withdrawn_reason": ""},
    )


@transaction.atomic
def _moderate(
    listing_id: int, action: str, *, by: str, reason: str, found: dict[str, str], changed: dict[str, Any]
) -> bool:
    if not update_if_unchanged(Listing.objects.filter(pk=listing_id, **found), changed):
        return False
    if changed["withdrawn_reason"]:
        decide_reports({"listing_id": listing_id}, Report.State.UPHELD, by=by)
    record(action, by=by, target=f"listing {listing_id}", reason=reason)
    return True
