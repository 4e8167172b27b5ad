"""Bank accounts of sellers, by which the transactions service pays them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models.functions import Now

from listings.accounts.models import BankAccount
from microstore.contracts.accounts import BANK_ACCOUNT_RECORDED, BankAccountRecorded
from microstore.messaging.receiving.contradictions import drop_contradictions


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
    """Store that the transactions service has the bank accounts, and empty what was sealed for it.

    The confirmation of another seller's becomes a dead letter.
    """
    ids = [message.bank_account_id for message in messages]
    owners = dict(BankAccount.objects.filter(id__in=ids).values_list("id", "user_id"))
    agreeing = drop_contradictions(
        BANK_ACCOUNT_RECORDED,
        messages,
        # Of a deleted account there is no row any more.
        lambda each: (
            None
            if owners.get(each.bank_account_id, each.seller_id) == each.seller_id
            else "it is another seller's"
        ),
    )
    ids = [message.bank_account_id for message in agreeing]
    BankAccount.objects.filter(id__in=ids, recorded_at=None).update(recorded_at=Now(), sealed="")
