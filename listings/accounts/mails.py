"""Requests for e-mails of accounts; the notifications worker writes and sends them.

No token is in the outbox, in a message or in a table: the worker makes it when it writes the e-mail, and only
its hash is stored. Each request is one insert, whether or not anybody has the address, so that its time
reveals nothing.
"""

from django.contrib.auth.models import User
from django.db import transaction
from uuid_utils.compat import uuid7

from listings.accounts.models import AccountMail
from microstore.contracts.notifications import MAIL_ACCOUNT
from microstore.messaging.sending import outbox
from microstore.telemetry.tracing import current_trace

Kind = AccountMail.Kind


@transaction.atomic
def request_mail(kind: AccountMail.Kind, *, address: str, user: User | None) -> None:
    """Store an e-mail for the worker, and the message that has it sent once this is committed."""
    mail_id = uuid7()
    AccountMail.objects.create(id=mail_id, request_id=mail_id, kind=kind, address=address, user=user)
    outbox.send(MAIL_ACCOUNT, mail_id=mail_id, trace=current_trace())


def request_verification(user: User) -> None:
    """Have the link sent by which the user verifies the address; without an address nothing is sent."""
    if user.email:
        request_mail(Kind.VERIFY_ADDRESS, address=user.email, user=user)


def request_reset(address: str) -> None:
    """Have a link for a new password sent to the accounts with this address, if there are any."""
    # Nobody is looked up here: known and unknown addresses take the same time.
    request_mail(Kind.RESET_PASSWORD, address=address, user=None)
