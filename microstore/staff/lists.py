"""Admin lists that stay fast at millions of rows, and that nobody edits."""

import re
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from microstore.staff.actions import record

COUNTED_ROWS = 10_000
FOUND_ROWS = 300
TRACE_AGE = timedelta(days=7)


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # subscripting it needs a patch at run time
    """Counts to 10,000 and offers no page beyond: whoever looks further back searches or filters."""

    @cached_property
    def count(self) -> int:
        """How many rows, 10,001 for all that are more."""
        queryset: Any = self.object_list
        return int(queryset.order_by()[: COUNTED_ROWS + 1].count())

    def page(self, number: Any) -> Any:
        """Skips by the ids alone, in the index: what is before a page is not read."""
        page = super().page(number)
        queryset: Any = self.object_list
        ids = list(page.object_list.values_list("pk", flat=True))  # type: ignore[attr-defined]  # a queryset
        rows = queryset.model._default_manager.filter(pk__in=ids).order_by(*queryset.query.order_by)
        rows.query.select_related = queryset.query.select_related
        page.object_list = rows
        return page


class FastAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # subscripting it needs a patch at run time
    """A list that counts no further than it must, and leaves a record of every change made by hand."""

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count all rows for each choice of each filter
    paginator = BoundedPaginator
    list_per_page = 50
    sortable_by = ()  # a column without an index is a table sorted for each page

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


class ReadOnlyAdmin(FastAdmin):
    """To be looked at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """These are made by the services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """What has been said stays as it is."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """A deleted row would be a lost order, or a lost trail."""
        return False


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


def uuid_of(term: str) -> UUID | None:
    """The UUID that is meant, with or without its dashes."""
    digits = term.strip().lower().replace("-", "")
    return UUID(digits) if re.fullmatch("[0-9a-f]{32}", digits) else None


def trace_start(term: str) -> str | None:
    """How the traceparents of this trace begin; the term is a trace id, or a whole traceparent."""
    term = term.strip().lower()
    if found := re.fullmatch("00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", term):
        return f"00-{found[1]}-"
    trace_id = uuid_of(term)
    return f"00-{trace_id.hex}-" if trace_id else None
