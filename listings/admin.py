"""The listings service for staff."""

from django.contrib import admin
from django.http import HttpRequest

from listings.models import Listing, Order


@admin.register(Listing)
class ListingAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # subscripting it needs a patch at run time
    """What is for sale. Stock is changed by purchases alone."""

    list_display = ("id", "title", "seller", "price_cents", "currency", "available", "quantity", "status")
    list_filter = ("status", "category", "currency")
    list_select_related = ("seller",)
    raw_id_fields = ("seller",)
    readonly_fields = ("available", "quantity", "created_at", "updated_at")
    search_fields = ("title",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Listings are made by their sellers."""
        return False


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # subscripting it needs a patch at run time
    """Who ordered what. Orders change by messages alone."""

    list_display = ("id", "status", "buyer", "listing", "quantity", "total_cents", "currency", "created_at")
    list_filter = ("status", "currency")
    list_select_related = ("buyer", "listing")
    search_fields = ("id", "trace")
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Orders are made by buyers."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """An edited order would disagree with its transaction."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """A deleted order would be a lost one."""
        return False
