"""Bank accounts as the listings service sends them; the latest is paid to after a waiting time."""

from collections.abc import Sequence
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction

from microstore.contracts.accounts import BANK_ACCOUNT_CHANGED, BankAccountChanged
from microstore.database.clock import database_now
from microstore.messaging.receiving.contradictions import drop_contradictions
from transactions.payouts.models import BankAccount

LOCK = 0x62616E6B73  # of PostgreSQL's advisory locks

log = structlog.get_logger(__name__)


@transaction.atomic
def record_bank_accounts(changes: Sequence[BankAccountChanged]) -> list[BankAccountChanged]:
    """Record each bank account once; return the messages to reply to, new or not.

    A change that arrives after a later one is recorded as replaced. Nothing is paid to the seller meanwhile:
    who has changed the account of somebody else gains nothing for BANK_DETAILS_WAIT_DAYS.
    """
    with connection.cursor() as cursor:
        # One worker at a time: a second one would not see the row with which the first replaced another.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    stored = BankAccount.objects.in_bulk([change.bank_account_id for change in changes])
    agreeing = drop_contradictions(
        BANK_ACCOUNT_CHANGED,
        changes,
        lambda each: _find_contradiction(each, stored.get(each.bank_account_id)),
    )
    new = {each.bank_account_id: each for each in agreeing if each.bank_account_id not in stored}
    for change in new.values():
        _record(change)
    return agreeing


def _find_contradiction(change: BankAccountChanged, stored: BankAccount | None) -> str | None:
    if stored and stored.seller_id != change.seller_id:
        return "it is another seller's"
    # What is sealed is sealed anew when the key is exchanged; both are emptied with a deleted account.
    if stored and stored.masked not in ("", change.masked):
        return "it is recorded with another number"
    return None


def _record(change: BankAccountChanged) -> None:
    now = database_now()
    # A time to come, by a clock that was wrong, would make every later change a late one.
    changed_at = min(change.changed_at, now)
    own = BankAccount.objects.filter(seller_id=change.seller_id)
    # Waits for a payout that is being prepared to the present one.
    present = own.filter(replaced_at=None).select_for_update(no_key=True).first()
    late = present is not None and present.changed_at > changed_at
    if present and not late:
        own.filter(pk=present.pk).update(replaced_at=now)
    BankAccount.objects.create(
        pk=change.bank_account_id,
        seller_id=change.seller_id,
        sealed=change.sealed,
        masked=change.masked,
        changed_at=changed_at,
        usable_at=now + timedelta(days=settings.BANK_DETAILS_WAIT_DAYS),
        replaced_at=now if late else None,
    )
    log.info("bank_account_recorded", seller_id=change.seller_id, late=late)
