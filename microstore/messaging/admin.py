"""Outbox, dead letters and queues in the admin of each service."""

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from microstore.database.admin_lists import COUNTED_ROWS, ReadOnlyAdmin
from microstore.database.texts import reason_given
from microstore.messaging.dead_letters import groups, replay
from microstore.messaging.filters import ContractFilter
from microstore.messaging.models import DeadLetter, OutboxMessage, QueueDepth
from microstore.telemetry.tracing import trace_id_of, trace_part

MAX_SELECTED = 1_000
SHOWN_PREVIEWS = 200


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    """Messages that wait for the relay, usually for a moment."""

    list_display = ("id", "contract", "waits", "attempts", "due_at")
    ordering = ("id",)

    @admin.display(description="waits for", ordering="created_at")
    def waits(self, message: OutboxMessage) -> str:
        return f"{(timezone.now() - message.created_at).total_seconds():.0f} s"


@admin.register(QueueDepth)
class QueueDepthAdmin(ReadOnlyAdmin):
    """Depths of the queues when a relay last looked."""

    list_display = ("queue", "messages", "consumers", "measured_at")


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    """Messages that could not be handled."""

    change_list_template = "messaging/dead_letters.html"
    change_form_template = "messaging/dead_letter.html"
    list_display = ("id", "contract", "cause", "attempts", "state", "died_at")
    list_filter = ("state", ContractFilter)
    search_fields = ("trace",)
    numbered_by = "pk"
    most_selected = COUNTED_ROWS  # the first MAX_SELECTED of them are decided at once
    search_help_text = "A trace id, or the number of a letter."
    ordering = ("-id",)
    actions = ("decide",)
    fields = (
        ("contract", "state"),
        ("attempts", "created_at", "died_at"),
        "error",
        "message",
        "stack",
        "broker_headers",
        "trace_link",
        ("decided_by", "decided_at"),
    )
    readonly_fields = ("message", "stack", "broker_headers", "trace_link")

    def get_urls(self) -> list[Any]:
        site = self.admin_site
        return [
            path("groups/", site.admin_view(self.groups_view), name="messaging_deadletter_groups"),
            path("decide/", site.admin_view(self.decide_view), name="messaging_deadletter_decide"),
            *super().get_urls(),
        ]

    def find(self, queryset: QuerySet[DeadLetter], term: str) -> QuerySet[DeadLetter]:
        start = trace_part(term)
        return queryset.filter(trace__startswith=start) if start else queryset.none()

    def is_applicable(self, action: str, row: DeadLetter) -> bool:
        # Its page links to the preview, also in projects without our templates.
        return False

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("messaging.decide_deadletter")

    @admin.action(description="Look what a replay would do; replay or discard", permissions=["decide"])
    def decide(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> HttpResponse:
        return self._preview(request, list(letters.order_by("id").values_list("id", flat=True)))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        context = {"may_decide": self.has_decide_permission(request)} | (extra_context or {})
        return super().change_view(request, object_id, form_url, context)

    def groups_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = self.admin_site.each_context(request) | {
            "title": "Dead letters by cause",
            "opts": self.model._meta,
            "groups": groups.find_groups(),
            "may_decide": self.has_decide_permission(request),
        }
        return TemplateResponse(request, "messaging/groups.html", context)

    def decide_view(self, request: HttpRequest) -> HttpResponse:
        """Show a preview of a group, a letter or a selection; carry out a decision that has a reason."""
        if not self.has_decide_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            if letter := read_ids(request.GET.get("letter", "")):
                return self._preview(request, letter)
            group = groups.find_group(request.GET.get("group", ""))
            if group is None:
                self.message_user(request, "No letter of this group waits any more.", messages.WARNING)
                return HttpResponseRedirect(reverse("admin:messaging_deadletter_groups"))
            return self._preview(request, list(group.waiting().values_list("id", flat=True)[:MAX_SELECTED]))
        ids = read_ids(request.POST.get("letters", ""))
        reason, rate = reason_given(request.POST.get("reason")), read_rate(request.POST.get("rate", ""))
        if reason is None or rate is None:
            return self._preview(request, ids, problem="Give a reason, and a rate above 0.")
        return self._carry_out(request, ids, reason=reason, rate=rate)

    def _preview(self, request: HttpRequest, ids: list[int], problem: str = "") -> HttpResponse:
        ids = ids[:MAX_SELECTED]
        letters = DeadLetter.objects.filter(id__in=ids[:SHOWN_PREVIEWS]).order_by("id")
        context = self.admin_site.each_context(request) | {
            "title": "Replay or discard",
            "opts": self.model._meta,
            "previews": [replay.preview(letter) for letter in letters],
            "letters": ",".join(map(str, ids)),
            "count": len(ids),
            "rate": request.POST.get("rate") or f"{replay.EVENTS_PER_SECOND:g}",
            "reason": request.POST.get("reason", ""),
            "problem": problem,
        }
        return TemplateResponse(request, "messaging/decide.html", context)

    def _carry_out(self, request: HttpRequest, ids: list[int], *, reason: str, rate: float) -> HttpResponse:
        by = request.user.get_username()
        if request.POST.get("decision") == "replay":
            decisions, done = replay.replay_all(ids, by=by, reason=reason, rate=rate), "replayed"
        elif request.POST.get("decision") == "discard":
            decisions, done = replay.discard_all(ids, by=by, reason=reason), "discarded"
        else:
            return self._preview(request, ids, problem="Choose: replay or discard.")
        for refused in decisions.refused[:20]:
            self.message_user(request, refused, messages.ERROR)
        level = messages.SUCCESS if decisions.done else messages.WARNING
        self.message_user(request, f"{decisions.done} {done}.", level)
        return HttpResponseRedirect(reverse("admin:messaging_deadletter_groups"))

    @admin.display(description="message")
    def message(self, letter: DeadLetter) -> SafeString:
        if letter.raw_body is not None:
            return preformatted(bytes(letter.raw_body).decode(errors="backslashreplace"))
        return preformatted(json.dumps(letter.payload, indent=2))

    @admin.display(description="traceback")
    def stack(self, letter: DeadLetter) -> SafeString:
        return preformatted(letter.traceback)

    @admin.display(description="broker's headers")
    def broker_headers(self, letter: DeadLetter) -> SafeString:
        return preformatted(json.dumps(letter.headers, indent=2) if letter.headers else "")

    @admin.display(description="trace")
    def trace_link(self, letter: DeadLetter) -> SafeString | str:
        return link_to_trace(letter.trace)


def preformatted(text: str) -> SafeString:
    """Return the text unchanged in a box that scrolls."""
    return format_html('<pre class="staff-text">{}</pre>', text or "none")


def link_to_trace(trace: str) -> SafeString | str:
    """Return the trace's id, linked to the page `admin:trace` where the project has one."""
    if not trace:
        return "none"
    trace_id = trace_id_of(trace)
    try:
        url = reverse("admin:trace")
    except NoReverseMatch:
        return trace_id
    return format_html('<a href="{}?q={}"><code>{}</code></a>', url, trace_id, trace_id)


def read_ids(text: str) -> list[int]:
    """Return the numbers between the commas, MAX_SELECTED at most; anything else is left out."""
    words = text.split(",")[:MAX_SELECTED]
    return [
        int(word) for word in words if word.isascii() and word.isdecimal() and len(word) < len(str(2**62))
    ]


def read_rate(text: str) -> float | None:
    """Return events a second, from one an hour to ten thousand, or None where it is no such number."""
    try:
        rate = float(text or replay.EVENTS_PER_SECOND)
    except ValueError:
        return None
    return rate if replay.SLOWEST <= rate <= replay.FASTEST else None
