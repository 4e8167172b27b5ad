"""Preparing payouts: the available income of sellers is claimed by a journal, once."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from microstore.database.clock import database_now
from microstore.staff.money import minor_unit_digits
from transactions.ledger.balances import Balance, available
from transactions.ledger.posting import post
from transactions.payouts.facts import send_facts
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
    due = _find_due(accounts)
    payouts = [
        Payout(
            seller_id=each.seller_id,
            bank_account=accounts[each.seller_id],
            currency=each.currency,
            amount_cents=each.available_cents,
            available_at=each.since,
        )
        for each in due
    ]
    Payout.objects.bulk_create(payouts)
    post("post_payouts", [payout.pk for payout in payouts])
    send_facts(payouts)
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


def _find_due(accounts: Mapping[int, BankAccount]) -> list[Balance]:
    sellers = list(accounts)
    recent = find_recent(Payout.objects.filter(seller_id__in=sellers))
    return [
        each
        for each in available(sellers=sellers)
        if is_enough(each, seller_left=accounts[each.seller_id].seller_left) and each[:2] not in recent
    ]


def is_enough(balance: Balance, *, seller_left: bool) -> bool:
    """Return whether so much is paid out; to a seller who has left it is what there is."""
    return seller_left or balance.available_cents >= minimum_cents(balance.currency)


def find_recent(payouts: QuerySet[Payout]) -> set[tuple[int, str]]:
    """Return seller and currency of those payouts that are open or younger than PAYOUT_EVERY_DAYS."""
    since = database_now() - timedelta(days=settings.PAYOUT_EVERY_DAYS)
    recent = payouts.filter(Q(status__in=OPEN) | Q(created_at__gt=since))
    return set(recent.values_list("seller_id", "currency"))


def minimum_cents(currency: str) -> int:
    """Return the least amount that is paid out in this currency, in its minor unit."""
    unit_cents: int = 10 ** minor_unit_digits(currency)
    least: int = settings.PAYOUT_MINIMUM_UNITS * unit_cents
    return max(1, least)


def find_sendable() -> QuerySet[Payout]:
    """Return the prepared payouts whose bank account its seller has not replaced since, oldest first."""
    return Payout.objects.filter(status=Payout.Status.PREPARED, bank_account__replaced_at=None).order_by("id")
