"""Bank accounts of sellers: sealed at once, and sent to the transactions service, which pays by them."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpRequest

from listings.accounts import history, mails, sessions
from listings.accounts.addresses import is_verified
from listings.accounts.models import AccountEvent, BankAccount
from listings.refusals import AddressNotVerified, PayoutsClosed
from microstore.auth.sealing import seal
from microstore.contracts.accounts import BANK_ACCOUNT_CHANGED, BankAccountChanged, BankAccountRecorded
from microstore.messaging.sending import outbox
from microstore.telemetry.tracing import current_trace


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


def change_bank_account(user: User, *, holder: str, iban: str, password: str, request: HttpRequest) -> None:
    """Seal and send the bank account, and have its owner told by e-mail.

    Raises WrongPassword, TooManyFailures, AddressNotVerified or PayoutsClosed.
    """
    if not settings.BANK_DETAILS_PUBLIC_KEY:
        raise PayoutsClosed("This shop takes no bank accounts yet.")
    sessions.ensure_password(user, password, request=request)
    # The e-mail is how the owner of a stolen account learns of it.
    if not is_verified(user):
        raise AddressNotVerified("Verify your e-mail address first: we write to it when this changes.")
    details = json.dumps({"holder": holder, "iban": iban})
    purpose = f"bank account of seller {user.pk}"
    with transaction.atomic():
        account = BankAccount.objects.create(
            user=user,
            sealed=seal(details, settings.BANK_DETAILS_PUBLIC_KEY, purpose=purpose),
            masked=mask(iban),
            trace=current_trace(),
        )
        account.refresh_from_db()
        outbox.send_again(BANK_ACCOUNT_CHANGED, bank_account_changed(account))
        history.record(AccountEvent.Kind.BANK_ACCOUNT_CHANGED, user.pk, request=request)
        mails.request_mail(mails.Kind.BANK_ACCOUNT_CHANGED, address=user.email, user=user)


def mask(iban: str) -> str:
    """Return the IBAN as it is shown: its country and its last four characters."""
    return f"{iban[:2]}•• •••• {iban[-4:]}"


def bank_account_changed(account: BankAccount) -> BankAccountChanged:
    """Return the message that has a bank account recorded."""
    return BANK_ACCOUNT_CHANGED(
        bank_account_id=account.id,
        seller_id=account.user_id,
        sealed=account.sealed,
        masked=account.masked,
        changed_at=account.created_at,
        trace=account.trace,
    )


def confirm_bank_accounts(messages: Sequence[BankAccountRecorded]) -> None:
    """Store that the transactions service has the bank accounts, and empty what was sealed for it."""
    ids = [message.bank_account_id for message in messages]
    BankAccount.objects.filter(id__in=ids, recorded_at=None).update(recorded_at=Now(), sealed="")
