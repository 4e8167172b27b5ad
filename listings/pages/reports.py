"""Page by which users report a listing that breaks the rules."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods

from listings.catalogue.report_api import MAX_CHARACTERS, ReportSerializer
from listings.catalogue.reports import report_listing
from listings.models import Listing, Report
from listings.pages.limits import limited
from listings.pages.page import render_page, shows_refusals, visitor_id
from listings.queries import visible_listings
from listings.refusals import ListingNotFound


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@limited("report")
@shows_refusals
def report(request: HttpRequest, listing_id: str) -> HttpResponse:
    """Show the form; a POST stores the report for staff."""
    listing = visible_listings(request.user.pk).filter(id=listing_id).first()
    if listing is None:
        raise ListingNotFound(gettext("This listing is no longer available."))
    if request.method != "POST":
        return _form(request, listing)
    given = {name: request.POST.get(name, "").strip() for name in ("reason", "text")}
    # No choice was made, rather than one of "".
    body = ReportSerializer(data={name: text for name, text in given.items() if text})
    if not body.is_valid():
        return _form(request, listing, given=given, problems=body.errors)
    report_listing(listing.pk, reporter_id=visitor_id(request), **body.validated_data)
    return render_page(request, "report.html", {"listing": listing, "reported": True})


def _form(request: HttpRequest, listing: Listing, **context: object) -> HttpResponse:
    shown = {"listing": listing, "reasons": Report.Reason.choices, "max_characters": MAX_CHARACTERS}
    return render_page(request, "report.html", shown | context, status=400 if context else 200)
