"""The admin of listings, orders and live events."""

import re
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from listings.accounts.admin import ShopPeopleAdmin
from listings.accounts.customer import link_to_customer
from listings.catalogue.admin import ReportAdmin
from listings.catalogue.moderation import restore_listing, withdraw_listing
from listings.catalogue.search import find_words, having_words
from listings.models import Listing, LiveEvent, Notification, Order, Refund, Report, picture_path
from listings.money import UnreadableAmount, format_plain, read_amount
from listings.notifications.admin import NotificationAdmin
from listings.orders.timeline import timeline
from listings.overview import find_orders
from listings.refunds.admin import RefundAdmin
from listings.refunds.request import MAY_REFUND, REFUNDABLE, RefundRequest, request_refund
from listings.webhooks.admin import WebhookDeliveryAdmin, WebhookEndpointAdmin
from microstore.database.admin_lists import ReadOnlyAdmin, is_id
from microstore.messaging.admin import link_to_trace
from microstore.refusal import Refusal
from microstore.staff.actions import record
from microstore.staff.columns import money_column, peer_column
from microstore.staff.decisions import given_reason, show_reason_form
from microstore.staff.lists import AgeFilter, FastAdmin, ids_of_name, ids_of_some, of_id

# Importing them is what puts them into the admin.
# fmt: off
__all__ = [
    "NotificationAdmin", "RefundAdmin", "ReportAdmin", "ShopPeopleAdmin", "WebhookDeliveryAdmin",
    "WebhookEndpointAdmin",
]
# fmt: on


class ListingForm(forms.ModelForm):  # type: ignore[type-arg]  # subscripting it needs a patch at run time
    """Form of a listing, whose price is an amount in its currency, as sellers write it."""

    price_cents = forms.CharField(label="Price", max_length=40, help_text="In the currency below, as 249.50.")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.initial["price_cents"] = format_plain(self.instance.price_cents, self.instance.currency)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        price, currency = given.get("price_cents"), given.get("currency")
        if price and currency in settings.CURRENCIES:
            try:
                given["price_cents"] = read_amount(price, str(currency))
            except UnreadableAmount as error:
                self.add_error("price_cents", str(error))
        return given


@admin.register(Listing)
class ListingAdmin(FastAdmin):
    """Listings. Their stock changes by purchases alone, their status by withdrawing and restoring."""

    form = ListingForm
    list_display = ("id", "title", "seller", "price", "available", "quantity", "status")
    list_filter = ("status", "category")
    list_select_related = ("seller",)
    # Its seller, too: orders, payouts and who may edit it go by that.
    readonly_fields = (
        *("status", "withdrawn_reason", "available", "quantity", "created_at", "updated_at", "pictures"),
        *("seller", "seller_link", "reports"),
    )
    search_fields = ("title",)
    numbered_by = "pk"
    search_help_text = "Words of a title or description, or the number of a listing."
    ordering = ("-id",)
    actions = ("withdraw", "restore")
    price = money_column("price_cents", description="price")

    def find(self, queryset: QuerySet[Listing], term: str) -> QuerySet[Listing]:
        """Return some listings that have these words, as the shop finds them."""
        # Titles that look like a number are many, and are not what somebody means who types one.
        search = having_words if is_id(term) else find_words
        return queryset.filter(pk__in=ids_of_some(search(Listing.objects.all(), term)))

    @admin.display(description="pictures")
    def pictures(self, listing: Listing) -> SafeString | str:
        shown = (
            (image.large_url, image.small_url, each) for each, image in enumerate(listing.images.all(), 1)
        )
        picture = '<a href="{}"><img src="{}" alt="Picture {}" height="160"></a>'
        return format_html_join(" ", picture, shown) or "none"

    @admin.display(description="seller's page")
    def seller_link(self, listing: Listing) -> SafeString:
        return link_to_customer(listing.seller)

    @admin.display(description="reports")
    def reports(self, listing: Listing) -> SafeString | str:
        waiting = listing.reports.filter(state=Report.State.WAITING).count()
        url = reverse("admin:listings_report_changelist")
        return format_html('<a href="{}?q={}">{} waiting</a>', url, listing.pk, waiting)

    def has_add_permission(self, request: HttpRequest) -> bool:
        # Sellers create them; staff must not sell in their name.
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        # Staff withdraws instead: orders refer to their listing.
        return False

    def lists_about(self, row: Listing) -> dict[str, tuple[type[Model], object]]:
        return {"Orders": (Order, row.pk)}

    def is_applicable(self, action: str, row: Listing) -> bool:
        return bool(row.withdrawn_reason) == (action == "restore")

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may withdraw and restore listings."""
        return request.user.has_perm("listings.moderate_listing")

    @admin.action(description="Withdraw from sale", permissions=["moderate"])
    def withdraw(self, request: HttpRequest, listings: QuerySet[Listing]) -> HttpResponse | None:
        """Withdraw listings from sale; orders that were accepted before still complete."""
        return self._moderate(request, listings, withdraw_listing, "withdraw", "withdrawn")

    @admin.action(description="Restore", permissions=["moderate"])
    def restore(self, request: HttpRequest, listings: QuerySet[Listing]) -> HttpResponse | None:
        """Give withdrawn listings back the status that they had: those on sale are on sale again."""
        return self._moderate(request, listings, restore_listing, "restore", "restored")

    def _moderate(
        self,
        request: HttpRequest,
        listings: QuerySet[Listing],
        moderate: Callable[..., bool],
        action: str,
        done: str,
    ) -> HttpResponse | None:
        reason = given_reason(request)
        if reason is None:
            return show_reason_form(request, self, action=action, rows=list(listings))
        by = request.user.get_username()
        changed = sum(moderate(listing.pk, by=by, reason=reason) for listing in listings)
        unchanged = len(listings) - changed
        text = f"{changed} {done}." + (f" {unchanged} unchanged." if unchanged else "")
        self.message_user(request, text, messages.SUCCESS if changed else messages.WARNING)
        return None


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders, read only: messages alone change them. Finance requests refunds of what is left of them."""

    actions = ("refund",)

    list_display = ("id", "status", "buyer", "title", "quantity", "total", "created_at")
    list_filter = ("status", AgeFilter)
    list_select_related = ("buyer", "listing", "past_edition")
    search_fields = ("id",)
    numbered_by = "listing_id"
    search_help_text = (
        "The id of an order or a trace or 8 digits of it, the number of a listing, or the name of a buyer."
    )
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("id", "status", "reason", "steps", "trace_link")}),
        ("What was ordered", {"fields": ("listing", "buyer_link", "seller_link", "quantity", "unit_price")}),
        ("Item, as sold", {"fields": ("edition", "title", "category", "description", "picture")}),
        ("What it cost", {"fields": ("transaction_link", "fee", "total", "fee_rule")}),
        ("Refunded", {"fields": ("refunded", "returned_quantity")}),
        ("More", {"fields": ("checkout_id", "idempotency_key", "created_at", "settled_at", "resent_at")}),
    )
    readonly_fields = (
        *("id", "steps", "trace_link", "resent_at", "title", "category", "description", "picture"),
        *("unit_price", "fee", "total", "refunded", "transaction_link", "buyer_link", "seller_link"),
    )
    unit_price = money_column("unit_price_cents", description="unit price")
    fee = money_column("fee_cents", description="fee")
    total = money_column("total_cents", description="total")
    refunded = money_column("refunded_cents", description="refunded")
    transaction_link = peer_column(
        "transactions", "transactions/transaction", "transaction_id", description="transaction"
    )

    def find(self, queryset: QuerySet[Order], term: str) -> QuerySet[Order]:
        # Each kind of term has an index but the trace, of which recent orders alone are searched.
        found = find_orders(term, queryset)
        return found if found.exists() else queryset.filter(buyer__in=ids_of_name(term))

    def lists_about(self, row: Order) -> dict[str, tuple[type[Model], object]]:
        lists: dict[str, type[Model]] = {"Refunds": Refund, "Notifications": Notification}
        return {label: (model, row.pk) for label, model in lists.items()}

    def is_applicable(self, action: str, row: Order) -> bool:
        return row.status in REFUNDABLE

    def has_refund_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may refund orders."""
        return request.user.has_perm(MAY_REFUND)

    @admin.action(description="Refund in whole or in part", permissions=["refund"])
    def refund(self, request: HttpRequest, orders: QuerySet[Order]) -> HttpResponse | None:
        """Request the refund of all that is left of what the buyers paid, or of a part of one order.

        No stock goes back.
        """
        rows, reason = list(orders), given_reason(request)
        wanted, problem = _read_refund(request, rows)
        if reason is None or problem:
            form = {"amount": request.POST.get("amount", ""), "key": uuid4()} if len(rows) == 1 else {}
            return show_reason_form(request, self, action="refund", rows=rows, problem=problem, **form)
        for order in rows:
            self._refund(request, RefundRequest(order_id=order.pk, reason=reason, **wanted))
        return None

    def _refund(self, request: HttpRequest, wanted: RefundRequest) -> None:
        try:
            requested, replayed = request_refund(wanted)
        except Refusal as error:
            self.message_user(request, f"{wanted.order_id}: {error}", messages.WARNING)
            return
        if not replayed:
            by = request.user.get_username()
            record("requested refund", by=by, target=f"order {wanted.order_id}", reason=wanted.reason)
        self.message_user(request, f"{wanted.order_id}: refund {requested.pk} requested.", messages.SUCCESS)

    @admin.display
    def title(self, order: Order) -> str:
        return order.item.title

    @admin.display
    def category(self, order: Order) -> str:
        return order.item.get_category_display()

    @admin.display
    def description(self, order: Order) -> str:
        return order.item.description

    @admin.display
    def picture(self, order: Order) -> SafeString | str:
        path = picture_path(order.item.picture_id)
        picture = '<a href="{0}"><img src="{0}" alt="Picture" height="160"></a>'
        return format_html(picture, path) if path else "none"

    @admin.display(description="buyer")
    def buyer_link(self, order: Order) -> SafeString:
        return link_to_customer(order.buyer)

    @admin.display(description="seller")
    def seller_link(self, order: Order) -> SafeString:
        return link_to_customer(order.listing.seller)

    @admin.display(description="what happened (UTC)")
    def steps(self, order: Order) -> SafeString:
        return render_to_string("staff/timeline.html", {"steps": timeline(order)})

    @admin.display(description="trace")
    def trace_link(self, order: Order) -> SafeString | str:
        return link_to_trace(order.trace)


def _read_refund(request: HttpRequest, orders: Sequence[Order]) -> tuple[dict[str, Any], str]:
    """Return the fields of the form of a refund, and why its amount cannot be read."""
    fields: dict[str, Any] = {"requested_by_id": int(request.user.pk or 0), "in_admin": True}
    amounts = [text.strip() for text in request.POST.getlist("amount") if text.strip()]
    if len(amounts) > 1 or (amounts and len(orders) != 1):
        return fields, "Give one amount, and select one order for it: several are refunded in whole."
    if len(orders) != 1:
        return fields, ""  # each in whole: clicked twice, nothing is left
    key = request.POST.get("key", "")
    fields["key"] = key if re.fullmatch("[0-9a-f-]{36}", key) else None
    try:
        amount_cents = read_amount(amounts[0], orders[0].currency) if amounts else None
    except UnreadableAmount as error:
        return fields, str(error)
    return fields | {"amount_cents": amount_cents}, ""


@admin.register(LiveEvent)
class LiveEventAdmin(ReadOnlyAdmin):
    """Events of the live feed, read only."""

    list_display = ("seq", "type", "order_id", "listing_id", "created_at")
    ordering = ("-seq",)
    search_fields = ("order_id",)
    search_help_text = "The id of an order."

    def find(self, queryset: QuerySet[LiveEvent], term: str) -> QuerySet[LiveEvent]:
        return of_id(queryset, term, "order_id")
