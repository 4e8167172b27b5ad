"""The admin of payouts: finance looks at them, and decides about those that stay unknown."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse

from microstore.database.admin_lists import ReadOnlyAdmin
from microstore.staff.actions import record
from microstore.staff.columns import money_column, peer_column
from microstore.staff.decisions import count_rows, given_reason, show_reason_form
from microstore.staff.lists import AgeFilter, of_id
from transactions.payouts.models import BankAccount, Payout, StatementLine
from transactions.payouts.settling import Outcome, settle_payouts

Status = Payout.Status
MAY_DECIDE = "transactions.decide_payout"
DECISIONS = {f"mark_as_{status}": status for status in (Status.PAID, Status.FAILED, Status.RETURNED)}


def is_decidable(payout: Payout, status: Payout.Status) -> bool:
    """Return whether a person may say that this payout has this end.

    One that a provider has, and says so, is the provider's to decide; one that was never sent is not paid.
    What was paid may come back.
    """
    if status == Status.RETURNED or payout.status == Status.PAID:
        return (payout.status, status) == (Status.PAID, Status.RETURNED)
    if payout.status == Status.SENT:
        return payout.provider == "file"
    return payout.status == Status.UNKNOWN or (payout.status, status) == (Status.PREPARED, Status.FAILED)


class OfSellerAdmin(ReadOnlyAdmin):
    """Rows of sellers, found by the seller's number or by their own id."""

    search_fields = ("id",)
    numbered_by = "seller_id"
    search_help_text = "An id, or the number of a seller."
    ordering = ("-id",)
    seller_link = peer_column("listings", "auth/user", "seller_id", description="seller")

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return of_id(queryset, term, "pk")


@admin.register(Payout)
class PayoutAdmin(OfSellerAdmin):
    """Payouts, read only but for the end of those that are unknown or come back."""

    actions = ("look_up", *DECISIONS)
    list_display = ("id", "status", "seller_id", "amount", "provider", "created_at", "sent_at", "settled_at")
    list_filter = ("status", AgeFilter)
    fields = (
        *("id", "status", "reason", "amount", "seller_link", "bank_account"),
        *("provider", "batch", "reference", "statement_lines"),
        *("created_at", "available_at", "sent_at", "looked_up_at", "settled_at", "returned_at"),
    )
    readonly_fields = fields
    amount = money_column("amount_cents", description="amount")

    def is_applicable(self, action: str, row: Payout) -> bool:
        if action == "look_up":
            return row.status in (Status.SENT, Status.UNKNOWN)
        return is_decidable(row, DECISIONS[action])

    def has_decide_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may decide about payouts."""
        return request.user.has_perm(MAY_DECIDE)

    @admin.action(description="Look up in the next round", permissions=["decide"])
    def look_up(self, request: HttpRequest, payouts: QuerySet[Payout]) -> None:
        """Have the process look these up at once, rather than a minute after the last time."""
        count = payouts.filter(status__in=[Status.SENT, Status.UNKNOWN]).update(looked_up_at=F("sent_at"))
        text = f"To be looked up in the next round: {count_rows(Payout, count)}."
        self.message_user(request, text, messages.SUCCESS if count else messages.WARNING)

    @admin.action(description="Mark as paid", permissions=["decide"])
    def mark_as_paid(self, request: HttpRequest, payouts: QuerySet[Payout]) -> HttpResponse | None:
        """End payouts of which bank or provider have said that they arrived."""
        return self._decide(request, payouts, Status.PAID)

    @admin.action(description="Mark as failed", permissions=["decide"])
    def mark_as_failed(self, request: HttpRequest, payouts: QuerySet[Payout]) -> HttpResponse | None:
        """End payouts that will never arrive: their amounts are the sellers' again, and are paid out anew."""
        return self._decide(request, payouts, Status.FAILED)

    @admin.action(description="Mark as returned", permissions=["decide"])
    def mark_as_returned(self, request: HttpRequest, payouts: QuerySet[Payout]) -> HttpResponse | None:
        """Give the amounts of paid payouts, which the bank has sent back to us, back to the sellers."""
        return self._decide(request, payouts, Status.RETURNED)

    def _decide(
        self, request: HttpRequest, payouts: QuerySet[Payout], status: Payout.Status
    ) -> HttpResponse | None:
        rows, reason = list(payouts), given_reason(request)
        wanted = [payout for payout in rows if is_decidable(payout, status)]
        self._name_refused(request, [payout for payout in rows if payout not in wanted])
        if reason is None and wanted:
            return show_reason_form(request, self, action=f"mark_as_{status}", rows=wanted)
        by = request.user.get_username()
        outcomes = {payout.pk: Outcome(status, f"{by}: {reason}") for payout in wanted}
        self._record(request, outcomes, str(status), reason or "")
        return None

    def _record(self, request: HttpRequest, outcomes: dict[UUID, Outcome], status: str, reason: str) -> None:
        # Looked at again under the row's lock: what was sent or has ended meanwhile stays as it is.
        settled = settle_payouts(outcomes, where=is_decidable)
        for payout in settled:
            by = request.user.get_username()
            record(f"marked as {status}", by=by, target=f"payout {payout.pk}", reason=reason)
            self.message_user(request, f"{payout.pk} is {status}.", messages.SUCCESS)
        done = {payout.pk for payout in settled}
        self._name_refused(request, Payout.objects.filter(pk__in=outcomes.keys() - done))

    def _name_refused(self, request: HttpRequest, payouts: Iterable[Payout]) -> None:
        for payout in payouts:
            self.message_user(request, f"{payout.pk} is {payout.status} and stays so.", messages.WARNING)

    @admin.display(description="in statements")
    def statement_lines(self, payout: Payout) -> str:
        """Return the lines of statements that name the payout."""
        lines = payout.lines.order_by("id")
        return (
            "; ".join(f"{line.booked_on}, {line.statement} {line.problem}".strip() for line in lines)
            or "none"
        )


@admin.register(BankAccount)
class BankAccountAdmin(OfSellerAdmin):
    """Bank accounts, of which staff see no more than sellers do."""

    list_display = ("id", "seller_id", "masked", "changed_at", "usable_at", "replaced_at")
    fields = ("id", "seller_link", "masked", "changed_at", "usable_at", "replaced_at")
    readonly_fields = fields


class ProblemFilter(admin.SimpleListFilter):
    """A filter for the lines that settle no payout."""

    title = parameter_name = "problem"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "with one"), ("no", "without")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(problem="") if self.value() == "no" else queryset.exclude(problem="")


@admin.register(StatementLine)
class StatementLineAdmin(ReadOnlyAdmin):
    """Lines of statements, with why they settle no payout."""

    list_display = ("id", "booked_on", "reference", "amount", "problem", "statement")
    list_filter = (ProblemFilter,)
    fields = (
        *("id", "booked_on", "reference", "amount", "payout"),
        *("problem", "occurrence", "statement", "read_at"),
    )
    readonly_fields = fields
    ordering = ("-id",)
    amount = money_column("amount_cents", description="amount")
