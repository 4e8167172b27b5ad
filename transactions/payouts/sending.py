"""Sending payouts to the provider, each under its own id, and looking up those whose end is not known.

A payout is stored as sent before it is. Killed at any point after that, its provider is queried: one that has
no payout of this id gets it again, under the same id, so that it cannot be paid twice.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from microstore.auth.sealing import CannotOpen
from microstore.database.clock import database_now
from transactions.payouts import files, provider
from transactions.payouts.details import BankDetails, open_details, try_open
from transactions.payouts.models import Payout
from transactions.payouts.preparing import find_sendable
from transactions.payouts.settling import Outcome, settle_payouts

HTTP = "http"
LOOK_UP_AFTER = timedelta(seconds=60)  # well above the time in which a call ends


def send_payouts() -> Iterator[int]:
    """Send what is prepared, to the provider of PAYOUTS_URL or into files; yield the number of each step.

    After the first call without an answer the rest waits for the next round. What is prepared to a bank
    account that its seller has replaced since fails, and is prepared anew to the present one.
    """
    _fail_replaced()
    if not settings.PAYOUTS_URL:
        while written := files.write_files():
            yield written
        return
    skipped: set[UUID] = set()
    while claimed := _claim_next(skipped):
        answered = _settle_by(partial(provider.send, *claimed), claimed[0])
        yield 1
        if not answered:
            return


def _fail_replaced() -> None:
    prepared = Payout.objects.filter(status=Payout.Status.PREPARED, bank_account__replaced_at__isnull=False)
    outcome = Outcome(Payout.Status.FAILED, "The seller has given another bank account.")
    outcomes = dict.fromkeys(prepared.values_list("pk", flat=True), outcome)
    if outcomes:
        # Looked at again under the row's lock: another process may have sent it meanwhile.
        settle_payouts(outcomes, where=lambda payout, _: payout.status == Payout.Status.PREPARED)


def look_up_payouts() -> Iterator[int]:
    """Query the provider about payouts whose end is not known; yield the number of each step."""
    if not settings.PAYOUTS_URL:
        return
    while payout := _next_to_look_up():
        answered = _settle_by(partial(_find_or_send, payout), payout)
        yield 1
        if not answered:
            return


@transaction.atomic
def _claim_next(skipped: set[UUID]) -> tuple[Payout, BankDetails] | None:
    """Store the next prepared payout as sent; return it with its details. Add to `skipped` those without."""
    while payout := _lock_first(find_sendable().exclude(pk__in=skipped)):
        if details := try_open(payout):
            # Before the call, and committed: a process that dies during it must not leave what looks unsent.
            payout.status, payout.provider, payout.sent_at = Payout.Status.SENT, HTTP, database_now()
            payout.save(update_fields=["status", "provider", "sent_at"])
            return payout, details
        skipped.add(payout.pk)
    return None


@transaction.atomic
def _next_to_look_up() -> Payout | None:
    of_provider = Payout.objects.filter(
        status__in=[Payout.Status.SENT, Payout.Status.UNKNOWN], provider=HTTP
    ).annotate(last=Coalesce("looked_up_at", "sent_at"))
    payout = _lock_first(of_provider.filter(last__lt=database_now() - LOOK_UP_AFTER).order_by("last"))
    if payout:
        payout.looked_up_at = database_now()
        payout.save(update_fields=["looked_up_at"])
    return payout


def _lock_first(rows: QuerySet[Payout]) -> Payout | None:
    # Another process has those that are locked; both wait for nothing.
    locked = rows.select_related("bank_account").select_for_update(
        of=("self",), skip_locked=True, no_key=True
    )
    return locked.first()


def _find_or_send(payout: Payout) -> Outcome:
    if found := provider.look_up(payout):
        return found
    # Stored as sent before it is, as at first: a person may have decided about it during the call, and cannot
    # during the next one. Failed and sent all the same, it would be paid twice.
    undecided = Payout.objects.filter(pk=payout.pk, status__in=[Payout.Status.SENT, Payout.Status.UNKNOWN])
    if not undecided.update(status=Payout.Status.SENT):
        return Outcome(Payout.Status.UNKNOWN)
    # It never came, or was lost there: under the same id it is no second one in either case.
    return provider.send(payout, open_details(payout.bank_account))


def _settle_by(call: Callable[[], Outcome], payout: Payout) -> bool:
    """Store the answer that the call returns about the payout; return whether there was one."""
    try:
        outcome = call()
    except (provider.NoAnswer, CannotOpen) as error:
        settle_payouts({payout.pk: Outcome(Payout.Status.UNKNOWN, str(error))})
        return False
    settle_payouts({payout.pk: outcome})
    return True
