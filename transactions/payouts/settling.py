"""Settling payouts: an end that is known is stored and posted once, whoever finds it out."""

from collections.abc import Callable, Mapping
from typing import NamedTuple
from uuid import UUID

import structlog
from django.db import transaction

from microstore.database.clock import database_now
from transactions.ledger.posting import post
from transactions.payouts.facts import send_facts
from transactions.payouts.models import OPEN, Payout

log = structlog.get_logger(__name__)

Status = Payout.Status
FINAL = (Status.PAID, Status.FAILED, Status.RETURNED)


class Outcome(NamedTuple):
    """The state of a payout as its provider knows it: sent, if it has it; unknown, if it may have it."""

    status: Payout.Status
    reason: str = ""
    reference: str = ""


def _always(payout: Payout, status: Payout.Status) -> bool:
    return True


@transaction.atomic
def settle_payouts(
    outcomes: Mapping[UUID, Outcome], *, where: Callable[[Payout, Payout.Status], bool] = _always
) -> list[Payout]:
    """Store what is known of these payouts, and post what has ended; return those that have changed.

    The first end stands, but that the bank may return what it has paid: a late or repeated answer changes
    nothing, and one that contradicts the end is logged.
    `where` chooses by a payout's state, which its lock then holds, and the new one.
    """
    # In the order of their ids, so that two who settle the same ones do not wait for each other.
    rows = Payout.objects.filter(pk__in=outcomes).order_by("id").select_for_update(no_key=True)
    chosen = [payout for payout in rows if where(payout, outcomes[payout.pk].status)]
    changed = [payout for payout in chosen if _settle(payout, outcomes[payout.pk])]
    Payout.objects.bulk_update(changed, ["status", "reason", "reference", "settled_at", "returned_at"])
    ended = [payout for payout in changed if payout.status in FINAL]
    post("post_payouts", [payout.pk for payout in ended])
    send_facts(ended)
    return changed


def _settle(payout: Payout, outcome: Outcome) -> bool:
    if not _may_become(payout, outcome):
        return False
    payout.status, payout.reason = outcome.status, outcome.reason[:500]
    payout.reference = outcome.reference[:100] or payout.reference
    if outcome.status == Status.RETURNED:
        payout.returned_at = database_now()
    elif outcome.status in FINAL:
        payout.settled_at = database_now()
    log.info(
        "payout_settled",
        status=payout.status,
        payout_id=str(payout.pk),
        amount_cents=payout.amount_cents,
        currency=payout.currency,
        reason=payout.reason,
    )
    return True


def _may_become(payout: Payout, outcome: Outcome) -> bool:
    if payout.status == Status.PAID and outcome.status == Status.RETURNED:
        return True
    if payout.status == Status.PREPARED:
        return outcome.status == Status.FAILED  # nobody can have it yet
    if payout.status in OPEN:
        return outcome.status != Status.RETURNED
    known = (Status.PAID, Status.RETURNED) if payout.status == Status.RETURNED else (payout.status,)
    if outcome.status in FINAL and outcome.status not in known:
        log.error(
            "payout_contradicted",
            payout_id=str(payout.pk),
            status=payout.status,
            answer=outcome.status,
            reason=outcome.reason,
        )
    return False
