"""Rows as CSV, one by one, so that a million of them need no memory, and admin lists that export theirs."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone

from microstore.database.admin_lists import ReadOnlyAdmin
from microstore.staff.actions import record
from microstore.staff.money import in_major_units

CHUNK_ROWS = 2_000
TOTALS_DAYS = 14
# Characters with which a spreadsheet begins a formula: https://owasp.org/www-community/attacks/CSV_Injection
# The wide forms of East Asian keyboards, too.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Where the comma is a decimal one, spreadsheets begin a cell after a semicolon, and a row after a line's end.
CELL_WITHIN = re.compile("([;\t\r\n] *)(?=[=+\\-@\uff1d\uff0b\uff0d\uff20])")
CENTS = "_cents"


class Echo:
    """A file whose `write` returns the text, for `csv.writer`."""

    def write(self, text: str) -> str:
        return text


def stream_csv(rows: QuerySet[Any], fields: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the file, a header first.

    Amounts are there in minor units (`…_cents`) for programs, and again in the currency's unit.
    """
    # Quoted, or LibreOffice takes a semicolon in a text for the end of its cell.
    writer: Any = csv.writer(Echo(), quoting=csv.QUOTE_NONNUMERIC)
    cents = [field for field in fields if field.endswith(CENTS)]
    amounts = [field.removesuffix(CENTS) for field in cents]
    yield writer.writerow([*(field.replace("__", "_") for field in fields), *amounts])
    for row in rows.values(*fields).iterator(chunk_size=CHUNK_ROWS):
        shown = [_amount(row[field], row["currency"]) for field in cents]
        yield writer.writerow([*escape_formulas(row[field] for field in fields), *shown])


def _amount(cents: int | None, currency: str) -> str:
    return "" if cents is None else f"{in_major_units(cents, currency):f}"


def escape_formulas(row: Iterable[object]) -> list[object]:
    """Return the row with an apostrophe before text that a spreadsheet would run; numbers stay numbers."""
    return [_escape(value) if isinstance(value, str) else value for value in row]


def _escape(text: str) -> str:
    within = CELL_WITHIN.sub(r"\1'", text)
    return f"'{within}" if within.startswith(FORMULA) else within


class ExportAdmin(ReadOnlyAdmin):
    """A list that whoever may export its rows gets as CSV, as it is filtered; perhaps with totals by day."""

    change_list_template = "staff/exported.html"
    export_fields: tuple[str, ...]
    # A template, and its rows of so many days.
    totals: tuple[str, Callable[[int], list[dict[str, Any]]]] | None = None

    def get_urls(self) -> list[Any]:
        views = {"export": self.export_view} | ({"totals": self.totals_view} if self.totals else {})
        name, view = f"{self.opts.app_label}_{self.opts.model_name}", self.admin_site.admin_view
        own = [path(f"{page}/", view(shown), name=f"{name}_{page}") for page, shown in views.items()]
        return [*own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # The link to the export carries the filters of the list.
        context = {"may_export": self._may_export(request), "query": request.GET.urlencode()}
        context |= {"has_totals": self.totals is not None}
        return super().changelist_view(request, context | (extra_context or {}))

    def export_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """Stream as CSV all that the list shows with the same filters."""
        if not self._may_export(request):
            raise PermissionDenied
        try:
            changes: ChangeList = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseBadRequest("The list has no such filter or page.")
        name = str(self.model._meta.verbose_name_plural)
        filters = request.GET.urlencode()
        record("exported", by=request.user.get_username(), target=name, reason=f"filter: {filters}")
        lines = stream_csv(changes.get_queryset(request).order_by("-id"), self.export_fields)
        disposition = f'attachment; filename="{name}-{timezone.now():%Y%m%d-%H%M%S}.csv"'
        headers = {"Content-Disposition": disposition}
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8", headers=headers)

    def totals_view(self, request: HttpRequest) -> HttpResponse:
        """Show the totals by day and currency."""
        if not (self.totals and self.has_view_permission(request)):
            raise PermissionDenied
        template, find_totals = self.totals
        context = self.admin_site.each_context(request) | {
            "title": f"Totals of the last {TOTALS_DAYS} days",
            "opts": self.opts,
            "totals": find_totals(TOTALS_DAYS),
        }
        return TemplateResponse(request, template, context)

    def _may_export(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.export_{self.opts.model_name}")
