"""Sending payouts to the provider, each under its own id, and looking up those whose end is not known.

A payout is stored as sent before it is. Killed at any point after that, its provider is queried: one that has
no payout of this id gets it again, under the same id, so that it cannot be paid twice.
"""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from microstore.auth.sealing import CannotOpen
from microstore.database.clock import database_now
from transactions.payouts import files, provider
from transactions.payouts.details import open_details
from transactions.payouts.models import Payout
from transactions.payouts.settling import Outcome, settle_payouts

log = structlog.get_logger(__name__)

HTTP = "http"
LOOK_UP_AFTER = timedelta(seconds=60)  # well above the time in which a call ends


def send_payouts() -> Iterator[int]:
    """Send what is prepared, to the provider of PAYOUTS_URL or into files; yield the number of each step.

    After the first call without an answer the rest waits for the next round.
    """
    if not settings.PAYOUTS_URL:
        while written := files.write_files():
            yield written
        return
    skipped: set[UUID] = set()
    while payout := _claim_next(skipped):
        if payout.pk in skipped:
            continue
        answered = _attempt(payout)
        yield 1
        if not answered:
            return


def look_up_payouts() -> Iterator[int]:
    """Query the provider about payouts whose end is not known; yield the number of each step."""
    if not settings.PAYOUTS_URL:
        return
    while payout := _next_to_look_up():
        answered = _attempt(payout, look_up=True)
        yield 1
        if not answered:
            return


@transaction.atomic
def _claim_next(skipped: set[UUID]) -> Payout | None:
    """Store the next prepared payout as sent, and return it; or add it to those that cannot be sent."""
    prepared = Payout.objects.filter(status=Payout.Status.PREPARED).exclude(pk__in=skipped).order_by("id")
    payout = _lock_first(prepared)
    if payout is None:
        return None
    try:
        open_details(payout.bank_account)
    except CannotOpen as error:
        log.error("payout_not_opened", payout_id=str(payout.pk), error=str(error))
        skipped.add(payout.pk)
        return payout
    # Before the call, and committed: a process that dies during it must not leave what looks unsent.
    payout.status, payout.provider, payout.sent_at = Payout.Status.SENT, HTTP, database_now()
    payout.save(update_fields=["status", "provider", "sent_at"])
    return payout


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


def _attempt(payout: Payout, *, look_up: bool = False) -> bool:
    """Query or send the payout, and store the answer; return whether there was one."""
    try:
        outcome = provider.look_up(payout) if look_up else None
        if outcome is None:
            # It never came, or was lost there: under the same id it is no second one in either case.
            outcome = provider.send(payout, open_details(payout.bank_account))
    except (provider.NoAnswer, CannotOpen) as error:
        settle_payouts({payout.pk: Outcome(Payout.Status.UNKNOWN, str(error))})
        return False
    settle_payouts({payout.pk: outcome})
    return True
