"""The admin of refunds."""

from django.contrib import admin
from django.db.models import QuerySet

from listings.refunds.models import Refund
from microstore.database.admin_lists import ReadOnlyAdmin
from microstore.staff.columns import money_column
from microstore.staff.lists import AgeFilter, of_id


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    """Refunds, read only: they are requested at their orders."""

    list_display = ("id", "status", "order_id", "amount", "fee", "requested_by", "created_at")
    list_filter = (AgeFilter,)
    list_select_related = ("requested_by", "order")
    fields = (
        *("id", "status", "order", "amount", "fee", "return_quantity", "reason", "refusal"),
        *("requested_by", "idempotency_key", "created_at", "settled_at", "resent_at"),
    )
    readonly_fields = fields
    amount = money_column("amount_cents", description="amount")
    fee = money_column("fee_cents", description="fee in it")
    search_fields = ("id",)
    search_help_text = "The id of a refund or an order."
    ordering = ("-id",)

    def find(self, queryset: QuerySet[Refund], term: str) -> QuerySet[Refund]:
        return of_id(queryset, term, "pk", "order_id")
