"""The transactions service for staff."""

import json
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.safestring import SafeString

from microstore.database.admin_lists import ReadOnlyAdmin
from microstore.messaging.admin import link_to_trace, preformatted
from microstore.staff.actions import record
from microstore.staff.lists import AgeFilter
from transactions.export import stream_csv
from transactions.models import Transaction
from transactions.overview import daily_totals, find_transactions

TOTALS_DAYS = 14


class CurrencyFilter(admin.SimpleListFilter):
    """By the currencies of the shop; Django's own filter would look through all rows for those in use."""

    title = parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [(currency, currency) for currency in settings.CURRENCIES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Transaction]) -> QuerySet[Transaction]:
        """Those in this currency."""
        return queryset.filter(currency=self.value()) if self.value() else queryset


@admin.register(Transaction)
class TransactionAdmin(ReadOnlyAdmin):
    """What each sale cost. A record, so nobody edits it."""

    change_list_template = "staff/transactions.html"
    list_display = (
        *("id", "order_id", "status", "price_cents", "fee_cents", "total_cents", "currency", "created_at"),
    )
    list_filter = ("status", AgeFilter, CurrencyFilter)
    search_fields = ("id",)
    search_help_text = "The id of a transaction, an order or a trace."
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("status", "reason", "order_id", "trace_link", "created_at")}),
        ("Money", {"fields": ("price_cents", "fee_cents", "total_cents", "currency")}),
        ("The fee, as it was charged", {"fields": ("fee_rule", "breakdown")}),
        ("What was sold", {"fields": ("listing_id", "quantity", "buyer_id", "seller_id")}),
    )
    readonly_fields = ("trace_link", "breakdown")

    def get_urls(self) -> list[Any]:
        """Two pages of our own beside Django's."""
        view = self.admin_site.admin_view
        return [
            path("export/", view(self.export_view), name="transactions_transaction_export"),
            path("totals/", view(self.totals_view), name="transactions_transaction_totals"),
            *super().get_urls(),
        ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Transaction], search_term: str
    ) -> tuple[QuerySet[Transaction], bool]:
        """An id by its index; a trace, which has none, among those of the last days."""
        term = search_term.strip()
        return (find_transactions(term, queryset) if term else queryset), False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with a way to take what is filtered along."""
        may = {"may_export": self._may_export(request), "query": request.GET.urlencode()}
        return super().changelist_view(request, may | (extra_context or {}))

    def export_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """What the list would show with the same filters, all of it, as CSV."""
        if not self._may_export(request):
            raise PermissionDenied
        changes: ChangeList = self.get_changelist_instance(request)
        filters = request.GET.urlencode()
        record("exported", by=request.user.get_username(), target="transactions", reason=f"filter: {filters}")
        lines = stream_csv(changes.get_queryset(request).order_by("-id"))
        name = f"transactions-{timezone.now():%Y%m%d-%H%M%S}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)

    def totals_view(self, request: HttpRequest) -> HttpResponse:
        """Totals by day and currency."""
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
        """How the fee came about."""
        return preformatted(json.dumps(transaction.fee_breakdown, indent=2))

    @admin.display(description="trace")
    def trace_link(self, transaction: Transaction) -> SafeString | str:
        """To all that belongs to the purchase."""
        return link_to_trace(transaction.trace)

    def _may_export(self, request: HttpRequest) -> bool:
        return request.user.has_perm("transactions.export_transaction")
