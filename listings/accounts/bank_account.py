"""Bank accounts of sellers, by which the transactions service pays them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models.functions import Now

from listings.accounts.models import BankAccount
from microstore.contracts.accounts import BankAccountRecorded


class ShownAccount(NamedTuple):
    """A bank account as its owner sees it."""

    masked: str
    changed_at: datetime
    usable_at: datetime


def find_bank_account(user_id: int) -> ShownAccount | None:
    """Return the account that the user's payouts go to, or will from `usable_at` on."""
    latest = BankAccount.objects.filter(user_id=user_id).order_by("-id").first()
    if latest is None:
        return None
    # From its arrival on: the transactions service believes no other clock.
    since = latest.recorded_at or latest.created_at
    usable_at = since + timedelta(days=settings.BANK_DETAILS_WAIT_DAYS)
    return ShownAccount(latest.masked, latest.created_at, usable_at)


def confirm_bank_accounts(messages: Sequence[BankAccountRecorded]) -> None:
    """Store that the transactions service has the bank accounts, and empty what was sealed for it."""
    ids = [message.bank_account_id for message in messages]
    BankAccount.objects.filter(id__in=ids, recorded_at=None).update(recorded_at=Now(), sealed="")
