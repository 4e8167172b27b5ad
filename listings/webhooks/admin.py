"""The admin of webhooks: endpoints without their secrets, and deliveries with the log of each."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from listings.webhooks.endpoints import change_endpoint, ping, redeliver
from listings.webhooks.models import WebhookDelivery, WebhookEndpoint
from microstore.database.admin_lists import ReadOnlyAdmin
from microstore.refusal import Refusal
from microstore.staff.actions import record
from microstore.staff.lists import of_id

MANAGE = "listings.manage_webhooks"


class ManagedAdmin(ReadOnlyAdmin):
    """Rows that nobody edits, with actions for who may manage webhooks."""

    ordering = ("-id",)

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may ping endpoints, send again and switch off."""
        return request.user.has_perm(MANAGE)

    def act(
        self, request: HttpRequest, rows: QuerySet[Any], action: str, act: Callable[[Any], object]
    ) -> None:
        """Apply the action to each of the rows, and record it."""
        for row in rows:
            try:
                act(row)
            except Refusal as error:
                self.message_user(request, f"{row}: {error}", messages.WARNING)
                continue
            record(action, by=request.user.get_username(), target=f"{row._meta.verbose_name} {row.pk}")
            self.message_user(request, f"{row}: {action}.", messages.SUCCESS)


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ManagedAdmin):
    """Endpoints, without their secrets."""

    list_display = ("id", "owner", "url", "scope", "enabled", "failures", "created_at")
    list_select_related = ("owner",)
    search_fields = ("owner__username",)
    search_help_text = "The owner's name, or the id of an endpoint."
    fields = (
        *("id", "owner", "url", "scope", "events", "description", "enabled", "off_reason", "failures"),
        *("failing_since", "paused_until", "previous_secret_until", "created_at"),
    )
    readonly_fields = fields
    actions = ("ping", "switch_off", "switch_on")

    def find(self, queryset: QuerySet[WebhookEndpoint], term: str) -> QuerySet[WebhookEndpoint]:
        found = of_id(queryset, term, "pk")
        return found if found.exists() else queryset.filter(owner__username=term)

    def lists_about(self, row: WebhookEndpoint) -> dict[str, tuple[type[Model], object]]:
        return {"Deliveries": (WebhookDelivery, row.pk)}

    def is_applicable(self, action: str, row: WebhookEndpoint) -> bool:
        return row.enabled != (action == "switch_on")

    @admin.action(description="Send a ping", permissions=["manage"])
    def ping(self, request: HttpRequest, rows: QuerySet[WebhookEndpoint]) -> None:
        self.act(request, rows, "pinged", ping)

    @admin.action(description="Switch off", permissions=["manage"])
    def switch_off(self, request: HttpRequest, rows: QuerySet[WebhookEndpoint]) -> None:
        self.act(request, rows, "switched off", lambda row: change_endpoint(row, {"enabled": False}))

    @admin.action(description="Switch on", permissions=["manage"])
    def switch_on(self, request: HttpRequest, rows: QuerySet[WebhookEndpoint]) -> None:
        self.act(request, rows, "switched on", lambda row: change_endpoint(row, {"enabled": True}))


class FailedFilter(admin.SimpleListFilter):
    """Filter for deliveries that were given up, for which there is an index."""

    title, parameter_name = "result", "result"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("failed", "failed")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[WebhookDelivery]
    ) -> QuerySet[WebhookDelivery]:
        return queryset.filter(status="failed") if self.value() == "failed" else queryset


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ManagedAdmin):
    """Deliveries, each with its attempts and what the endpoint answered."""

    list_display = ("id", "event_type", "endpoint", "status", "attempts", "created_at", "settled_at")
    list_select_related = ("endpoint",)
    list_filter = (FailedFilter,)
    search_fields = ("endpoint__id",)
    search_help_text = "The id of an endpoint."
    fields = (
        *("endpoint", "webhook_id", "event_type", "event_id", "status", "attempts", "due_at", "created_at"),
        *("settled_at", "body", "log"),
    )
    readonly_fields = fields
    actions = ("redeliver",)

    def find(self, queryset: QuerySet[WebhookDelivery], term: str) -> QuerySet[WebhookDelivery]:
        return of_id(queryset, term, "endpoint")

    def is_applicable(self, action: str, row: WebhookDelivery) -> bool:
        return row.endpoint.enabled

    @admin.display(description="attempts and answers")
    def log(self, delivery: WebhookDelivery) -> SafeString:
        attempts = delivery.attempts_made.order_by("pk")
        return render_to_string("webhooks/log.html", {"attempts": attempts})

    @admin.action(description="Send again", permissions=["manage"])
    def redeliver(self, request: HttpRequest, rows: QuerySet[WebhookDelivery]) -> None:
        """Have the deliveries sent again, with the same ids."""
        self.act(request, rows.select_related("endpoint"), "sent again", redeliver)
