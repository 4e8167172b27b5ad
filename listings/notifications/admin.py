"""Notifications in the admin, read-only."""

from typing import Any
from uuid import UUID, uuid5

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from listings.models import Order
from listings.notifications.models import Email, Notification
from microstore.contracts.listings import CHECKOUT_SETTLED, ORDER_COMPLETED, ORDER_REJECTED
from microstore.contracts.transactions import ORDER_CANCELLED
from microstore.database.admin_lists import ReadOnlyAdmin
from microstore.staff.lists import of_id

MAX_ORDERS = 20  # whose ids begin with the same digits


class EmailFilter(admin.SimpleListFilter):
    """Filter for notifications whose e-mail was refused for good."""

    # There is no choice for sent ones: nearly all are, and staff search for one order or one person instead.
    title, parameter_name = "e-mail", "email"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("refused", "refused by the mail server")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Notification]) -> QuerySet[Notification]:
        # The condition of the partial index `email_refused`, so that no other e-mail is read.
        refused = Email.objects.exclude(error="").values("pk")
        return queryset.filter(pk__in=refused) if self.value() == "refused" else queryset


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """Notifications with the time of reading and the state of the e-mail."""

    list_display = ("id", "recipient", "role", "kind", "created_at", "read_at", "email_state")
    list_filter = ("kind", EmailFilter)
    list_select_related = ("recipient", "email")
    search_fields = ("recipient__username",)
    search_help_text = "The recipient's name, or the id of an order."
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": ("recipient", "role", "kind", "text", "order_link")}),
        ("Delivery", {"fields": ("created_at", "read_at", "email_state", "event_id")}),
    )
    readonly_fields = ("order_link", "email_state")

    def find(self, queryset: QuerySet[Notification], term: str) -> QuerySet[Notification]:
        orders = of_id(Order.objects.all(), term, "pk")[:MAX_ORDERS]
        if events := [each for order in orders for each in events_of(order)]:
            return queryset.filter(event_id__in=events)
        return queryset.filter(recipient__username=term)

    @admin.display(description="order")
    def order_link(self, notification: Notification) -> SafeString:
        url = reverse("admin:listings_order_change", args=[notification.order_id])
        return format_html('<a href="{}">{}</a>', url, notification.order_id)

    @admin.display(description="e-mail")
    def email_state(self, notification: Notification) -> str:
        email: Email | None = getattr(notification, "email", None)
        if email is None:
            return "none: not wanted, or no verified address"
        if email.sent_at:
            return f"sent {date_format(timezone.localtime(email.sent_at), 'DATETIME_FORMAT')}"
        if email.held:
            return "waits for a digest: the address got too many within an hour"
        return f"refused: {email.error}" if email.error else "waits for the mail server"


def events_of(order: Order) -> list[UUID]:
    """Return the event ids of the order's notifications, and of its checkout's."""
    # By way of the buyer: recipients have an index here, orders have none. Of an order of a checkout the
    # seller alone is notified, but the ids of these facts are known.
    own = Notification.objects.filter(recipient=order.buyer_id, order=order)
    known = [uuid5(order.pk, fact.name) for fact in (ORDER_COMPLETED, ORDER_REJECTED, ORDER_CANCELLED)]
    if order.checkout_id:
        known.append(uuid5(order.checkout_id, CHECKOUT_SETTLED.name))
    return [*own.values_list("event_id", flat=True), *known]
