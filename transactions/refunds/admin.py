"""The admin of refunds, as they were decided."""

from django.contrib import admin
from django.db.models import QuerySet
from django.utils.safestring import SafeString

from microstore.messaging.admin import link_to_trace
from microstore.staff.columns import money_column, peer_column
from microstore.staff.lists import AgeFilter, of_id
from transactions.csv_export import ExportAdmin
from transactions.refunds.models import Refund


@admin.register(Refund)
class RefundAdmin(ExportAdmin):
    """Refunds, read only: they are requested in the listings service."""

    list_display = ("id", "status", "order_id", "amount", "fee", "created_at")
    list_filter = ("status", AgeFilter)
    search_fields = ("id",)
    search_help_text = "The id of a refund, an order or a transaction."
    ordering = ("-id",)
    fields = readonly_fields = (
        *("id", "status", "refund_link", "order_link", "transaction", "amount", "fee", "commission"),
        *("reason", "refusal", "trace_link", "created_at"),
    )
    export_fields = (
        *("id", "order_id", "transaction_id", "status", "currency", "amount_cents", "fee_cents"),
        *("commission_cents", "reason", "refusal", "created_at"),
    )
    amount = money_column("amount_cents", description="amount")
    fee = money_column("fee_cents", description="fee in it")
    commission = money_column("commission_cents", description="commission in it")
    refund_link = peer_column("listings", "listings/refund", "pk", description="request")
    order_link = peer_column("listings", "listings/order", "order_id", description="order")

    def find(self, queryset: QuerySet[Refund], term: str) -> QuerySet[Refund]:
        return of_id(queryset, term, "pk", "order_id", "transaction")

    @admin.display(description="trace")
    def trace_link(self, refund: Refund) -> SafeString | str:
        return link_to_trace(refund.trace)
