"""Preparing payouts: the available income of sellers is claimed by a journal, once."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Min, Q
from django.db.models.functions import Now

from microstore.database.clock import database_now
from microstore.staff.money import minor_unit_digits
from transactions.ledger.balances import Balance, available
from transactions.ledger.models import Account, Entry
from transactions.payouts.models import OPEN, BankAccount, Payout

log = structlog.get_logger(__name__)

SELLERS_AT_ONCE = 500


def prepare_payouts() -> Iterator[int]:
    """Prepare what is due to all sellers with a usable bank account; yield the number of each step.

    Each step commits. Several processes may do this at the same time: they share the sellers.
    """
    after = 0
    while chunk := _prepare_chunk(after):
        prepared, after = chunk
        yield prepared


@transaction.atomic
def _prepare_chunk(after: int) -> tuple[int, int] | None:
    accounts = _lock_accounts(after)
    if not accounts:
        return None
    # Read after the locks, hence after the commit of whoever held them: their payouts are in the sums.
    due = _find_due(list(accounts))
    since = _first_available([each.seller_id for each in due])
    payouts = [
        Payout(
            seller_id=each.seller_id,
            bank_account=accounts[each.seller_id],
            currency=each.currency,
            amount_cents=each.available_cents,
            available_at=since[each.seller_id, each.currency],
        )
        for each in due
    ]
    Payout.objects.bulk_create(payouts)
    with connection.cursor() as cursor:
        cursor.execute("SELECT post_payouts(%s::uuid[])", [[payout.pk for payout in payouts]])
    for payout in payouts:
        log.info(
            "payout_prepared",
            payout_id=str(payout.pk),
            seller_id=payout.seller_id,
            amount_cents=payout.amount_cents,
            currency=payout.currency,
        )
    return len(payouts), max(accounts)


def _lock_accounts(after: int) -> Mapping[int, BankAccount]:
    """Lock the next usable bank accounts; return them by seller."""
    # One that is locked is being paid by another process, or replaced: both leave nothing to do here.
    usable = BankAccount.objects.filter(replaced_at=None, usable_at__lte=Now(), seller_id__gt=after)
    locked = usable.order_by("seller_id").select_for_update(skip_locked=True, no_key=True)
    return {account.seller_id: account for account in locked[:SELLERS_AT_ONCE]}


def _find_due(sellers: Sequence[int]) -> list[Balance]:
    since = database_now() - timedelta(days=settings.PAYOUT_EVERY_DAYS)
    not_yet = Payout.objects.filter(Q(status__in=OPEN) | Q(created_at__gt=since), seller_id__in=sellers)
    recent = set(not_yet.values_list("seller_id", "currency"))
    return [
        each
        for each in available(sellers=sellers)
        if each.available_cents >= minimum_cents(each.currency) and each[:2] not in recent
    ]


def _first_available(sellers: Sequence[int]) -> dict[tuple[int, str], datetime]:
    entries = Entry.objects.filter(account=Account.PAYABLE, owner_id__in=sellers).order_by()
    firsts = entries.values_list("owner_id", "currency").annotate(Min("available_at"))
    return {(seller_id, currency): first for seller_id, currency, first in firsts}


def minimum_cents(currency: str) -> int:
    """Return the least amount that is paid out in this currency, in its minor unit."""
    unit_cents: int = 10 ** minor_unit_digits(currency)
    least: int = settings.PAYOUT_MINIMUM_UNITS * unit_cents
    return max(1, least)
