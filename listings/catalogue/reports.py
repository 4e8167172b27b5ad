"""Reports by users that a listing breaks the rules, and their decision by staff."""

from django.db import transaction
from django.utils.translation import gettext

from listings.catalogue.moderation import decide_reports, withdraw_listing
from listings.models import Report
from listings.queries import find_account, visible_listings
from listings.refusals import ListingNotFound, OwnListing
from microstore.database.texts import read_reason
from microstore.staff.actions import record


def report_listing(listing_id: int, *, reporter_id: int, reason: str, text: str = "") -> Report:
    """Store a report; while one of the same user waits, a second changes nothing.

    Raises ListingNotFound, OwnListing or AccountGone.
    """
    reporter = find_account(reporter_id)
    listing = visible_listings(reporter.pk).filter(id=listing_id).first()
    if listing is None:
        raise ListingNotFound(gettext("There is no such listing, or it is not on sale."))
    if listing.seller_id == reporter.pk:
        raise OwnListing(gettext("This is your own listing."))
    # Of two at the same moment the second finds the first, by the constraint.
    report, _ = Report.objects.get_or_create(
        listing=listing,
        reporter=reporter,
        state=Report.State.WAITING,
        defaults={"reason": reason, "text": text},
    )
    return report


def uphold_report(report: Report, *, by: str, reason: str) -> bool:
    """Withdraw the report's listing, which decides all its reports; return False if it was decided before."""
    if report.state != Report.State.WAITING:
        return False
    withdraw_listing(report.listing_id, by=by, reason=reason)
    # A listing that was withdrawn before is not withdrawn again, and its report waits still.
    decide_reports({"listing_id": report.listing_id}, Report.State.UPHELD, by=by)
    return True


@transaction.atomic
def dismiss_report(report: Report, *, by: str, reason: str) -> bool:
    """Leave the listing on sale, and close the report; return False if it was decided before."""
    reason = read_reason(reason)
    if not decide_reports({"pk": report.pk}, Report.State.DISMISSED, by=by):
        return False
    record("dismissed a report", by=by, target=f"listing {report.listing_id}", reason=reason)
    return True
