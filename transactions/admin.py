"""The transactions service for staff."""

from django.contrib import admin

from microstore.messaging.admin import ReadOnlyAdmin
from transactions.models import Transaction


@admin.register(Transaction)
class TransactionAdmin(ReadOnlyAdmin):
    """What each sale cost. A record, so nobody edits it."""

    list_display = (
        "id",
        "order_id",
        "status",
        "price_cents",
        "fee_cents",
        "total_cents",
        "currency",
        "created_at",
    )
    list_filter = ("status", "currency")
    search_fields = ("id", "order_id", "trace")
