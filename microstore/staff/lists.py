"""Admin lists that stay fast at millions of rows, and record every change by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from microstore.database.admin_lists import BoundedAdmin
from microstore.staff.actions import record
from microstore.staff.seen_values import SeenValues, hash_values
from microstore.telemetry.tracing import uuids_of

FOUND_ROWS = 300
TRACE_AGE = timedelta(days=7)


class FastAdmin(BoundedAdmin):
    """Bounded list that inserts a StaffAction for every change made in the admin.

    A form overwrites nothing that was changed after it was opened.
    """

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form = super().get_form(request, obj, change=change, **options)
        return type(form.__name__, (SeenValues, form), {})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        if options.get("change"):
            seen = hash_values(context["adminform"].form, self.model._default_manager.all())
            context["seen"] = " ".join(seen)
        return super().render_change_form(request, context, *args, **options)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # Django's
        if not change:
            super().save_model(request, obj, form, change)
            return
        # Not the whole row, as Django's own does: its stock or password may have changed since it was read.
        fields = obj._meta.concrete_fields
        written = {each.name for each in fields if getattr(each, "auto_now", False)} | set(form.changed_data)
        obj.save(update_fields=written & {each.name for each in fields})

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record(request, "added", obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        self._record(request, "changed", obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        # Called before the rows are deleted, while they still have their ids.
        for obj in queryset:
            self._record(request, "deleted", obj, "")
        return super().log_deletions(request, queryset)

    def _record(self, request: HttpRequest, action: str, obj: Model, message: object) -> None:
        target = f"{obj._meta.verbose_name} {obj.pk}"
        record(action, by=request.user.get_username(), target=target, reason=f"by the form: {message}")


class SinceFilter(admin.SimpleListFilter):
    """Filter by the hours that have passed since something."""

    parameter_name = "age"
    hours = {"hour": 1, "day": 24, "week": 7 * 24, "month": 30 * 24}
    labels = {"hour": "Past hour", "day": "Past 24 hours", "week": "Past 7 days", "month": "Past 30 days"}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(self.labels.items())

    def since(self) -> datetime | None:
        """Return the beginning of the chosen hours; None where none are chosen."""
        hours = self.hours.get(self.value() or "")
        return None if hours is None else timezone.now() - timedelta(hours=hours)


class AgeFilter(SinceFilter):
    """Filter by the age of rows whose id is a UUIDv7: it begins with the time, so the primary key serves."""

    title = "time of creation"
    labels = SinceFilter.labels | {"this-month": "This month", "last-month": "Last month"}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        since, until = self.since(), None
        if self.value() in ("this-month", "last-month"):
            since, until = month_of(timezone.now(), before=self.value() == "last-month")
        if since is None:
            return queryset
        later = queryset.filter(id__gte=first_id_at(since))
        return later.filter(id__lt=first_id_at(until)) if until else later


def month_of(moment: datetime, *, before: bool = False) -> tuple[datetime, datetime]:
    """Return the first moment of the calendar month, or of the one before it, and of the next one."""
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=31)).replace(day=1)
    return ((first - timedelta(days=1)).replace(day=1), first) if before else (first, following)


def ids_of_some(rows: QuerySet[Any]) -> list[Any]:
    """Return the primary keys of FOUND_ROWS rows at most, in no order."""
    # Without an order PostgreSQL stops at the limit; with one it could walk the whole index for rare rows.
    return list(rows.order_by().values_list("pk", flat=True)[:FOUND_ROWS])


def ids_of_name(name: str) -> list[int]:
    """Return the number of the user of this name, in a list that is empty where there is none."""
    # Looked up before: PostgreSQL uses no index for a condition of two tables with `or`.
    return list(User.objects.filter(username=name).values_list("pk", flat=True))


def of_id(rows: QuerySet[Any], term: str, *columns: str) -> QuerySet[Any]:
    """Return the rows of which one of these columns, UUIDs with an index, is or begins with the term.

    FOUND_ROWS for each column at most: the beginning of a UUIDv7 is a time, and 8 digits are a minute of it.
    """
    if (wanted := uuids_of(term)) is None:
        return rows.none()
    first, last = wanted
    parts = [rows.filter(**{f"{column}__gte": first, f"{column}__lte": last}) for column in columns]
    return rows.filter(pk__in={pk for part in parts for pk in ids_of_some(part)})


def first_id_at(moment: datetime) -> UUID:
    """Return the lowest UUIDv7 of this moment (RFC 9562: 48 bits of milliseconds come first)."""
    milliseconds = int(moment.astimezone(UTC).timestamp() * 1000)
    return UUID(int=milliseconds << 80)


def of_recent_trace(rows: QuerySet[Any], start: str) -> QuerySet[Any]:
    """Return the rows of the last TRACE_AGE whose traceparent begins with `start`."""
    # Scanned without an index, a million rows in a quarter of a second: every purchase would write an index
    # that is read a few times a day.
    return rows.filter(trace__startswith=start, id__gte=first_id_at(timezone.now() - TRACE_AGE))
