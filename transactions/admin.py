"""The admin pages of transactions, for staff; those of the ledger and of refunds are registered with them."""

import json
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from microstore.messaging.admin import link_to_trace, preformatted
from microstore.staff.columns import money_column, peer_column
from microstore.staff.lists import AgeFilter, FastAdmin
from transactions.csv_export import ExportAdmin
from transactions.ledger.admin import EntryAdmin, JournalAdmin
from transactions.models import SellerTier, Transaction
from transactions.overview import daily_totals, find_transactions
from transactions.payouts.admin import BankAccountAdmin, PayoutAdmin, StatementLineAdmin
from transactions.refunds.admin import RefundAdmin

# Django finds admins by this module.
__all__ = [
    "BankAccountAdmin",
    "EntryAdmin",
    "JournalAdmin",
    "PayoutAdmin",
    "RefundAdmin",
    "StatementLineAdmin",
]


class CurrencyFilter(admin.SimpleListFilter):
    """A filter by the configured currencies; Django's own would read all rows for those in use."""

    title = parameter_name = "currency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(currency, currency) for currency in settings.CURRENCIES]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(currency=self.value()) if self.value() in settings.CURRENCIES else queryset


@admin.register(Transaction)
class TransactionAdmin(ExportAdmin):
    """The recorded sales, which nobody edits."""

    list_display = (*("id", "order_id", "status", "price", "fee", "total", "created_at"),)
    list_filter = ("status", AgeFilter, CurrencyFilter)
    search_fields = ("id",)
    search_help_text = "The id of a transaction, an order or a trace."
    ordering = ("-id",)
    totals = ("staff/totals.html", daily_totals)
    export_fields = (
        *("id", "order_id", "status", "listing_id", "buyer_id", "seller_id", "quantity", "currency"),
        *("price_cents", "fee_cents", "total_cents", "commission_cents", "fee_rule", "reason", "created_at"),
        *("title", "category", "picture", "description"),
    )
    fieldsets = (
        (None, {"fields": ("id", "status", "reason", "order_link", "trace_link", "created_at")}),
        ("Money", {"fields": ("price", "fee", "total", "commission")}),
        ("Fee, as charged", {"fields": ("fee_rule", "breakdown")}),
        (
            "Item, as sold",
            {"fields": ("title", "category", "description", "picture", "listing_link", "quantity")},
        ),
        ("Parties", {"fields": ("buyer_link", "seller_link")}),
    )
    readonly_fields = (
        *("id", "trace_link", "breakdown", "price", "fee", "total", "commission"),
        *("order_link", "listing_link", "buyer_link", "seller_link"),
    )
    price = money_column("price_cents", description="price")
    fee = money_column("fee_cents", description="fee")
    total = money_column("total_cents", description="total")
    commission = money_column("commission_cents", description="commission of the seller")
    order_link = peer_column("listings", "listings/order", "order_id", description="order")
    listing_link = peer_column("listings", "listings/listing", "listing_id", description="listing")
    buyer_link = peer_column("listings", "auth/user", "buyer_id", description="buyer")
    seller_link = peer_column("listings", "auth/user", "seller_id", description="seller")

    def find(self, queryset: QuerySet[Transaction], term: str) -> QuerySet[Transaction]:
        return find_transactions(term, queryset)

    @admin.display(description="breakdown")
    def breakdown(self, transaction: Transaction) -> SafeString:
        """Return the parts of the fee, as they were charged."""
        return preformatted(json.dumps(transaction.fee_breakdown, indent=2))

    @admin.display(description="trace")
    def trace_link(self, transaction: Transaction) -> SafeString | str:
        """Return a link to everything that belongs to the purchase."""
        return link_to_trace(transaction.trace)


@admin.register(SellerTier)
class SellerTierAdmin(FastAdmin):
    """Tiers of sellers, which finance sets; they hold for sales from then on."""

    list_display = ("seller_id", "tier")
    actions = None
    search_fields = ("=seller_id",)
    numbered_by = "pk"
    search_help_text = "The number of a seller."
    ordering = ("seller_id",)

    def get_readonly_fields(self, request: HttpRequest, obj: SellerTier | None = None) -> tuple[str, ...]:
        # It is the key: another one would be another row, and this one would stay.
        return ("seller_id",) if obj else ()
