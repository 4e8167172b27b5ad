"""Reports of listings in the admin: staff withdraw the listing, or dismiss the report."""

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from listings.accounts.customer import link_to_customer
from listings.catalogue.reports import dismiss_report, uphold_report
from listings.models import Report
from microstore.database.admin_lists import ReadOnlyAdmin
from microstore.staff.decisions import given_reason, show_reason_form
from microstore.staff.lists import ids_of_name

SHOWN_CHARACTERS = 80  # in the list; a report may have a thousand


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    """Reports by users, read only but for the two decisions."""

    list_display = ("id", "listing_link", "reason", "words", "reporter_link", "state", "created_at")
    list_filter = ("state",)
    list_select_related = ("listing", "reporter")
    fields = (
        *("state", "listing_link", "reason", "text", "reporter_link", "created_at"),
        *("decided_by", "decided_at"),
    )
    readonly_fields = fields
    search_fields = ("listing_id",)
    numbered_by = "listing_id"
    search_help_text = "The number of a listing, or the name of a reporter."
    ordering = ("-id",)
    actions = ("withdraw", "dismiss")

    def find(self, queryset: QuerySet[Report], term: str) -> QuerySet[Report]:
        return queryset.filter(reporter__in=ids_of_name(term))

    def is_applicable(self, action: str, row: Report) -> bool:
        return row.state == Report.State.WAITING

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may withdraw listings."""
        return request.user.has_perm("listings.moderate_listing")

    @admin.action(description="Withdraw the listing", permissions=["moderate"])
    def withdraw(self, request: HttpRequest, reports: QuerySet[Report]) -> HttpResponse | None:
        """Withdraw the listings, which decides all their reports."""
        return self._decide(request, reports, uphold_report, "withdraw", "upheld")

    @admin.action(description="Dismiss the report", permissions=["moderate"])
    def dismiss(self, request: HttpRequest, reports: QuerySet[Report]) -> HttpResponse | None:
        """Leave the listings on sale."""
        return self._decide(request, reports, dismiss_report, "dismiss", "dismissed")

    def _decide(
        self,
        request: HttpRequest,
        reports: QuerySet[Report],
        decide: Callable[..., bool],
        action: str,
        done: str,
    ) -> HttpResponse | None:
        reason = given_reason(request)
        if reason is None:
            return show_reason_form(request, self, action=action, rows=list(reports))
        by = request.user.get_username()
        decided = sum(decide(report, by=by, reason=reason) for report in reports)
        self.message_user(request, f"{decided} {done}.", messages.SUCCESS if decided else messages.WARNING)
        return None

    @admin.display(description="text")
    def words(self, report: Report) -> str:
        return Truncator(report.text).chars(SHOWN_CHARACTERS)

    @admin.display(description="listing")
    def listing_link(self, report: Report) -> SafeString:
        url = reverse("admin:listings_listing_change", args=[report.listing_id])
        return format_html('<a href="{}">{}</a>', url, report.listing.title)

    @admin.display(description="reporter")
    def reporter_link(self, report: Report) -> SafeString:
        return link_to_customer(report.reporter)
