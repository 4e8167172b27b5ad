"""Admin lists that stay fast at millions of rows, and that nobody edits."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from microstore.database.admin_lists import BoundedAdmin
from microstore.staff.actions import record

FOUND_ROWS = 300
TRACE_AGE = timedelta(days=7)


class FastAdmin(BoundedAdmin):
    """A list that counts no further than it must, and leaves a record of every change made by hand."""

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Django's own record, and ours."""
        self._record(request, "added", obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        """Django's own record, and ours."""
        self._record(request, "changed", obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """Django's own record, and ours."""
        for obj in queryset:
            self._record(request, "deleted", obj, "")
        return super().log_deletions(request, queryset)

    def _record(self, request: HttpRequest, action: str, obj: Model, message: object) -> None:
        target = f"{obj._meta.verbose_name} {obj.pk}"
        record(action, by=request.user.get_username(), target=target, reason=f"by the form: {message}")


class AgeFilter(admin.SimpleListFilter):
    """When a row with a UUIDv7 was made: the id begins with the time, so its own index does it."""

    title, parameter_name = "made in the last", "age"
    hours = {"hour": 1, "day": 24, "week": 7 * 24, "month": 30 * 24}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [(name, name) for name in self.hours]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Rows since then."""
        hours = self.hours.get(self.value() or "")
        if hours is None:
            return queryset
        return queryset.filter(id__gte=first_id_at(timezone.now() - timedelta(hours=hours)))


def ids_of_some(rows: QuerySet[Any]) -> list[Any]:
    """The ids of three hundred, in no order, looked up once: where more are found, one must ask better."""
    return list(rows.order_by().values_list("pk", flat=True)[:FOUND_ROWS])


def first_id_at(moment: datetime) -> UUID:
    """The lowest UUIDv7 of this moment (RFC 9562: 48 bits of milliseconds come first)."""
    milliseconds = int(moment.astimezone(UTC).timestamp() * 1000)
    return UUID(int=milliseconds << 80)


def of_recent_trace(rows: QuerySet[Any], start: str) -> QuerySet[Any]:
    """Those made within TRACE_AGE whose traceparent begins so.

    They are looked through, a million rows in a quarter of a second: an index would be written by every
    purchase, and read a few times a day.
    """
    return rows.filter(trace__startswith=start, id__gte=first_id_at(timezone.now() - TRACE_AGE))
