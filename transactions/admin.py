"""The admin pages of transactions, for staff."""

import json
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.safestring import SafeString

from microstore.database.admin_lists import ReadOnlyAdmin
from microstore.messaging.admin import link_to_trace, preformatted
from microstore.staff.actions import record
from microstore.staff.columns import money_column, peer_column
from microstore.staff.lists import AgeFilter
from transactions.export import stream_csv
from transactions.models import Transaction
from transactions.overview import daily_totals, find_transactions
from transactions.payouts.admin import BankAccountAdmin, PayoutAdmin, StatementLineAdmin

__all__ = ["BankAccountAdmin", "PayoutAdmin", "StatementLineAdmin", "TransactionAdmin"]

TOTALS_DAYS = 14


class CurrencyFilter(admin.SimpleListFilter):
    """A filter by the configured currencies; Django's own would read all rows for those in use."""

    title = parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(currency, currency) for currency in settings.CURRENCIES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Transaction]) -> QuerySet[Transaction]:
        return queryset.filter(currency=self.value()) if self.value() in settings.CURRENCIES else queryset


@admin.register(Transaction)
class TransactionAdmin(ReadOnlyAdmin):
    """The recorded sales, which nobody edits."""

    change_list_template = "staff/transactions.html"
    list_display = (*("id", "order_id", "status", "price", "fee", "total", "created_at"),)
    list_filter = ("status", AgeFilter, CurrencyFilter)
    search_fields = ("id",)
    search_help_text = "The id of a transaction, an order or a trace."
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("status", "reason", "order_link", "trace_link", "created_at")}),
        ("Money", {"fields": ("price", "fee", "total")}),
        ("Fee, as charged", {"fields": ("fee_rule", "breakdown")}),
        (
            "Item, as sold",
            {"fields": ("title", "category", "description", "picture", "listing_link", "quantity")},
        ),
        ("Parties", {"fields": ("buyer_link", "seller_link")}),
    )
    readonly_fields = (
        *("trace_link", "breakdown", "price", "fee", "total"),
        *("order_link", "listing_link", "buyer_link", "seller_link"),
    )
    price = money_column("price_cents", description="price")
    fee = money_column("fee_cents", description="fee")
    total = money_column("total_cents", description="total")
    order_link = peer_column("listings", "listings/order", "order_id", description="order")
    listing_link = peer_column("listings", "listings/listing", "listing_id", description="listing")
    buyer_link = peer_column("listings", "auth/user", "buyer_id", description="buyer")
    seller_link = peer_column("listings", "auth/user", "seller_id", description="seller")

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("export/", view(self.export_view), name="transactions_transaction_export"),
            path("totals/", view(self.totals_view), name="transactions_transaction_totals"),
            *super().get_urls(),
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Transaction], search_term: str
    ) -> tuple[QuerySet[Transaction], bool]:
        # Not search_fields: an id is found by its index, and a trace, which has none, among recent rows.
        term = search_term.strip()
        return (find_transactions(term, queryset) if term else queryset), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # The link to the export carries the filters of the list.
        context = {"may_export": self._may_export(request), "query": request.GET.urlencode()}
        return super().changelist_view(request, context | (extra_context or {}))

    def export_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """Stream as CSV all that the list shows with the same filters."""
        if not self._may_export(request):
            raise PermissionDenied
        try:
            changes: ChangeList = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseBadRequest("The list has no such filter or page.")
        filters = request.GET.urlencode()
        record("exported", by=request.user.get_username(), target="transactions", reason=f"filter: {filters}")
        lines = stream_csv(changes.get_queryset(request).order_by("-id"))
        name = f"transactions-{timezone.now():%Y%m%d-%H%M%S}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)

    def totals_view(self, request: HttpRequest) -> HttpResponse:
        """Show totals by day and currency."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = self.admin_site.each_context(request) | {
            "title": f"Totals of the last {TOTALS_DAYS} days",
            "opts": self.model._meta,
            "totals": daily_totals(TOTALS_DAYS),
        }
        return TemplateResponse(request, "staff/totals.html", context)

    @admin.display(description="breakdown")
    def breakdown(self, transaction: Transaction) -> SafeString:
        """Return the parts of the fee, as they were charged."""
        return preformatted(json.dumps(transaction.fee_breakdown, indent=2))

    @admin.display(description="trace")
    def trace_link(self, transaction: Transaction) -> SafeString | str:
        """Return a link to everything that belongs to the purchase."""
        return link_to_trace(transaction.trace)

    def _may_export(self, request: HttpRequest) -> bool:
        return request.user.has_perm("transactions.export_transaction")
