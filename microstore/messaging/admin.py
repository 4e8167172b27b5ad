"""Outbox and dead letters in the admin of each service."""

from collections.abc import Callable

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from microstore.messaging import replay
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
    actions = ("replay", "discard")

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Replaying and discarding is a permission of its own."""
        return request.user.has_perm("messaging.decide_deadletter")

    @admin.action(description="Replay: send their events again", permissions=["decide"])
    def replay(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        """Each letter on its own: one that cannot be replayed does not keep back the others."""
        self._decide(request, letters, replay.replay, "replayed")

    @admin.action(description="Discard: keep them, but do nothing", permissions=["decide"])
    def discard(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        """Put letters aside."""
        self._decide(request, letters, replay.discard, "discarded")

    def _decide(
        self, request: HttpRequest, letters: QuerySet[DeadLetter], act: Callable[..., object], done: str
    ) -> None:
        decided = 0
        for letter in letters.order_by("id"):
            try:
                act(letter.pk, by=request.user.get_username())
                decided += 1
            except replay.NotReplayable as why_not:
                self.message_user(request, str(why_not), messages.ERROR)
        self.message_user(request, f"{decided} {done}.", messages.SUCCESS if decided else messages.WARNING)
