"""Outbox and dead letters in the admin of each service."""

from django.contrib import admin
from django.http import HttpRequest

from microstore.messaging.models import DeadLetter, OutboxMessage


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # subscripting it needs a patch at run time
    """To be looked at."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Messages are made by the services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """What has been said stays as it is."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """A deleted message would be a lost order."""
        return False


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    """What waits for the relay: empty but for a moment."""

    list_display = ("id", "contract", "created_at", "due_at", "attempts")
    list_filter = ("contract",)


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    """What could not be handled."""

    list_display = ("id", "contract", "error", "attempts", "state", "died_at")
    list_filter = ("state", "contract")
    search_fields = ("error", "trace")
