"""Changing a bank account: it is sealed at once, and sent to the transactions service."""

import json

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext

from listings.accounts import history, mails, profile
from listings.accounts.addresses import is_verified
from listings.accounts.models import AccountEvent, BankAccount
from listings.messages import bank_account_changed
from listings.refusals import AddressNotVerified, PayoutsClosed
from microstore.auth.sealing import seal
from microstore.contracts.accounts import BANK_ACCOUNT_CHANGED
from microstore.messaging.sending import outbox
from microstore.telemetry.tracing import current_trace


def change_bank_account(user: User, *, holder: str, iban: str, password: str, request: HttpRequest) -> None:
    """Seal and send the bank account, and notify its owner by e-mail.

    Raises WrongPassword, TooManyFailures, AddressNotVerified or PayoutsClosed.
    """
    if not settings.BANK_DETAILS_PUBLIC_KEY:
        raise PayoutsClosed(gettext("This shop takes no bank accounts yet."))
    profile.ensure_password(user, password, request=request)
    # The e-mail is how the owner of a stolen account learns of it.
    if not is_verified(user):
        text = gettext("Verify your e-mail address first: we write to it when this changes.")
        raise AddressNotVerified(text)
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
