"""The admin of the ledger: journals, entries and their totals, read only."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from microstore.database.admin_lists import ReadOnlyAdmin, is_id
from microstore.staff.columns import link_to_peer, money_column
from microstore.staff.lists import SinceFilter
from microstore.staff.money import show_amount
from transactions.csv_export import ExportAdmin
from transactions.ledger.journals import (
    daily_totals,
    entry_ids,
    find_journals,
    first_journal_since,
)
from transactions.ledger.models import HOUSE, LINES, Account, Entry, Journal

SEARCH_HELP = "The id of an order, a transaction or a refund"


class PostedFilter(SinceFilter):
    """Filter by the time of posting, by the numbers that journals get one after the other."""

    title = "time of posting"
    per_journal = 1

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        since = self.since()
        return queryset.filter(id__gte=first_journal_since(since) * self.per_journal) if since else queryset


class EntryPostedFilter(PostedFilter):
    """Filter entries likewise: their ids begin with their journal's number."""

    per_journal = LINES


@admin.register(Journal)
class JournalAdmin(ReadOnlyAdmin):
    """Journals with their entries."""

    list_display = ("id", "kind", "subject_id", "occurred_at")
    list_filter = (PostedFilter,)
    search_fields = ("id",)
    numbered_by = "pk"
    search_help_text = f"{SEARCH_HELP}, or the number of a journal."
    ordering = ("-id",)
    fields = readonly_fields = ("kind", "subject_id", "occurred_at", "lines")

    def find(self, queryset: QuerySet[Journal], term: str) -> QuerySet[Journal]:
        return queryset.filter(pk__in=find_journals(term))

    @admin.display(description="entries")
    def lines(self, journal: Journal) -> SafeString:
        entries = Entry.objects.filter(pk__in=entry_ids([journal.pk])).order_by("pk")
        return format_html_join(
            "",
            "<div>{} of {}: {}</div>",
            (
                (each.get_account_display(), _owner(each), show_amount(each.amount_cents, each.currency))
                for each in entries
            ),
        )


@admin.register(Entry)
class EntryAdmin(ExportAdmin):
    """Entries: debits are positive, credits negative."""

    list_display = ("id", "kind", "account", "owner", "amount", "occurred_at", "available_at")
    list_filter = (EntryPostedFilter,)
    list_select_related = ("journal",)
    search_fields = ("id",)
    search_help_text = f"{SEARCH_HELP}, or the number of a seller."
    ordering = ("-id",)
    fields = readonly_fields = (
        *("journal_link", "kind", "account", "owner", "amount", "occurred_at", "available_at"),
    )
    totals = ("staff/ledger_totals.html", daily_totals)
    export_fields = (
        *("id", "journal_id", "journal__kind", "journal__subject_id", "journal__occurred_at"),
        *("account", "owner_id", "currency", "amount_cents", "available_at"),
    )
    amount = money_column("amount_cents", description="amount")

    def find(self, queryset: QuerySet[Entry], term: str) -> QuerySet[Entry]:
        """Return the entries of a seller's number, or those about an order."""
        if is_id(term):
            # The index of sellers' accounts; those of buyers have none.
            return queryset.filter(account=Account.PAYABLE, owner_id=int(term))
        return queryset.filter(pk__in=entry_ids(find_journals(term)))

    @admin.display(description="kind")
    def kind(self, entry: Entry) -> str:
        return entry.journal.get_kind_display()

    @admin.display(description="occurred at")
    def occurred_at(self, entry: Entry) -> str:
        return date_format(entry.journal.occurred_at, "DATETIME_FORMAT")

    @admin.display(description="owner")
    def owner(self, entry: Entry) -> SafeString | str:
        return _owner(entry)

    @admin.display(description="journal")
    def journal_link(self, entry: Entry) -> SafeString:
        url = reverse("admin:transactions_journal_change", args=[entry.journal_id])
        return format_html('<a href="{}">{}</a>', url, entry.journal)


def _owner(entry: Entry) -> SafeString | str:
    return (
        "the marketplace"
        if entry.owner_id == HOUSE
        else link_to_peer("listings", "auth/user", entry.owner_id)
    )
