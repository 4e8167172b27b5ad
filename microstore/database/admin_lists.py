"""Admin lists that stay fast at millions of rows, and lists that nobody edits."""

from functools import cached_property
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, ValidationError
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode

COUNTED_ROWS = 10_000
MAX_ID_DIGITS = 18  # more than that do not fit into a bigint


def is_id(term: str) -> bool:
    """Return whether a search's term is the number of a row; bounded by digits, before `int` reads it.

    A beginning of a UUIDv7 that has no letter is none: it begins with 0.
    """
    return term.isascii() and term.isdecimal() and len(term) <= MAX_ID_DIGITS and term[0] != "0"


class BoundedPaginator(Paginator):  # type: ignore[type-arg]  # subscripting it needs a patch at run time
    """Count to COUNTED_ROWS and offer no page beyond: older rows are found by searching or filtering."""

    @cached_property
    def count(self) -> int:
        queryset: Any = self.object_list
        return int(queryset.order_by()[: COUNTED_ROWS + 1].count())

    def page(self, number: Any) -> Any:
        # The rows before the page are skipped by their ids alone, in the index, and never read.
        page = super().page(number)
        queryset: Any = self.object_list
        ids = list(page.object_list.values_list("pk", flat=True))  # type: ignore[attr-defined]  # a queryset
        rows = queryset.model._default_manager.filter(pk__in=ids).order_by(*queryset.query.order_by)
        rows.query.select_related = queryset.query.select_related
        page.object_list = rows
        return page


class BoundedChangeList(ChangeList):
    """A list in its own order alone: `?o=` sorts by any column, a table without an index for each page."""

    def get_ordering_field(self, field_name: object) -> None:
        return None


class BoundedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # subscripting it needs a patch at run time
    """A list that counts no further than COUNTED_ROWS and is sorted by its own, indexed order only.

    Its actions are offered on the page of each row, too.
    """

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # they count all rows for each choice of each filter
    paginator = BoundedPaginator
    list_per_page = 50
    sortable_by = ()
    most_selected = 900  # for an action: its form has a few fields more, and Django takes 1,000
    numbered_by = ""  # the column that a term of digits names, too

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return BoundedChangeList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        # The list's own filters alone: one `?reason__regex=` would read the whole table, and a NUL in a value
        # is an error of the database.
        filters = {getattr(each, "parameter_name", each) for each in self.list_filter}
        return lookup.removesuffix("__exact") in filters and "\0" not in value

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip().replace("\0", "")  # PostgreSQL refuses a NUL
        if self.numbered_by and term and is_id(term):
            found = queryset.filter(**{self.numbered_by: int(term)})
            if found.exists():
                # A name or a word may be the same digits.
                return found | self.find(queryset, term), False
        return (self.find(queryset, term) if term else queryset), False

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Return the rows that a term names, by an index; Django's own search reads the whole table.

        Digits alone come here, too: one trace in forty begins with eight of them. Rows of that number may be
        added with `or`, so conditions are of this table alone.
        """
        return queryset.none() if self.search_fields else queryset

    def is_applicable(self, action: str, row: Any) -> bool:
        """Return whether the row's own page offers the action; the list offers each to any selection."""
        return True

    def lists_about(self, row: Any) -> dict[str, tuple[type[Model], object]]:
        """Return lists about the row by the labels of their links: a model, and the term to search it for."""
        return {}

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **options: Any
    ) -> HttpResponse | None:
        try:
            for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.to_python(key)
        except ValidationError as error:
            raise BadRequest("The selected rows are none of this list.") from error
        # All that a filter finds may be millions of rows, each of which the form of an action would list.
        if request.POST.get("select_across", "0") != "0" and queryset[self.most_selected :].exists():
            text = f"Select {self.most_selected:,} at most: search or filter for them first."
            self.message_user(request, text, messages.WARNING)
            return None
        return super().response_action(request, queryset, *args, **options)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if row is None or not self.has_view_or_change_permission(request, row):
            return super().change_view(request, object_id, form_url, extra_context)
        if ACTION_CHECKBOX_NAME in request.POST:
            # Of this row, whatever else the form names.
            done = self.response_action(request, self.get_queryset(request).filter(pk=row.pk))
            return done or HttpResponseRedirect(request.get_full_path())
        offered = [
            (name, label)
            for name, label in self.get_action_choices(request, [])
            if name != "delete_selected" and self.is_applicable(name, row)
        ]
        context = {"row_actions": offered, "row_links": self._links(request, row)}
        return super().change_view(request, object_id, form_url, context | (extra_context or {}))

    def _links(self, request: HttpRequest, row: Any) -> dict[str, str]:
        links = {}
        for label, (model, term) in self.lists_about(row).items():
            app, name = model._meta.app_label, model._meta.model_name
            if request.user.has_perm(f"{app}.view_{name}"):
                links[label] = f"{reverse(f'admin:{app}_{name}_changelist')}?{urlencode({'q': str(term)})}"
        return links


class ReadOnlyAdmin(BoundedAdmin):
    """Rows that services write and people only look at: a deleted one would be a lost order or trail."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False
