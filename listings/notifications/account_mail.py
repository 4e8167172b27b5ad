"""E-mails of accounts: links to verify an address and to reset a password, notices, and digests."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext
from uuid_utils.compat import uuid7

from listings.accounts.addresses import verified_users
from listings.accounts.link_tokens import PATHS, make_token
from listings.accounts.models import AccountMail, Profile
from listings.notifications import hourly_bound
from listings.notifications.mail import Undeliverable, deliver, write
from listings.notifications.models import Email
from listings.notifications.texts import ACCOUNT_TEXTS

Kind = AccountMail.Kind
# No other column: the worker's database role may not read them (sql/rights.sql).
USERS = User.objects.only("id", "username", "email", "is_active")
PAGES = {Kind.WEBHOOK_OFF: "/account/webhooks/"}
LINKS = (Kind.VERIFY_ADDRESS, Kind.RESET_PASSWORD)


def send_account_mails(mail_ids: list[UUID]) -> None:
    """Send what was requested under these ids; raises Unavailable while the mail server does not answer."""
    for mail_id in mail_ids:
        find_accounts(mail_id)
    deliver(AccountMail.objects.filter(request_id__in=mail_ids, sent_at=None, error=""), compose)


@transaction.atomic
def find_accounts(mail_id: UUID) -> None:
    """Replace a request to reset a password by an e-mail for each account that has the address.

    An address that is not verified gets the link to verify it in place of the other.
    """
    # Once replaced it is not found again: a redelivered message sends what is still unsent.
    requests = AccountMail.objects.filter(pk=mail_id, user=None, sent_at=None)
    request = requests.select_for_update().first()
    if request is None:
        return
    with_address = USERS.filter(email__iexact=request.address, is_active=True)
    verified = set(verified_users().filter(email__iexact=request.address).values_list("pk", flat=True))
    for user in with_address.order_by("pk")[: hourly_bound.MOST_LINKS]:
        kind = Kind.RESET_PASSWORD if user.pk in verified else Kind.VERIFY_ADDRESS
        AccountMail.objects.create(id=uuid7(), request_id=mail_id, kind=kind, user=user, address=user.email)
    # Nor is the address kept: nobody may have it.
    requests.update(sent_at=timezone.now(), address="")


def compose(mail: AccountMail, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    """Return the e-mail, with a new link in it where it has one; raises Undeliverable."""
    kind, user = Kind(mail.kind), USERS.filter(accountmail=mail).first()
    if user is None or not _may_have(kind, user, mail.address):
        raise Undeliverable("the account has another address meanwhile, or has not verified this one")
    if kind in LINKS and not hourly_bound.has_room(mail.address, most=hourly_bound.MOST_LINKS):
        raise Undeliverable("too many links were sent to this address within the hour")
    held = _take_held(user) if kind == Kind.DIGEST else 0
    language = Profile.objects.filter(user=user).values_list("language", flat=True).first()
    with translation.override(language or settings.LANGUAGE_CODE):
        return _write(mail, user, held, connection)


def _write(mail: AccountMail, user: User, held: int, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    kind = Kind(mail.kind)
    subject, paragraphs, action = ACCOUNT_TEXTS[kind]
    path = f"{PATHS[kind]}?token={make_token(mail)}" if kind in LINKS else PAGES.get(kind, "/notifications/")
    context: dict[str, Any] = {
        # An address that nobody has verified is sent no text that somebody could choose, also no name.
        "name": "" if kind == Kind.VERIFY_ADDRESS else user.username,
        "paragraphs": [gettext(text).format(held=held) for text in paragraphs],
        "action": action and gettext(action),
        "link": f"{settings.SHOP_URL}{path}" if action else "",
    }
    # Not the row's id alone: an e-mail that is written again has another link.
    return write(
        gettext(subject),
        "account",
        context,
        to=mail.address,
        message_id=f"{mail.pk}.{timezone.now():%H%M%S%f}",
        connection=connection,
    )


def _may_have(kind: AccountMail.Kind, user: User, address: str) -> bool:
    if kind == Kind.ADDRESS_CHANGED:
        return True  # to the address before, which was verified
    if kind == Kind.VERIFY_ADDRESS:
        return user.is_active and user.email == address
    return verified_users().filter(pk=user.pk, email=address).exists()


def _take_held(user: User) -> int:
    # In the transaction that records the digest as sent.
    held = Email.objects.filter(held=True, sent_at=None, error="", notification__recipient=user)
    return held.update(sent_at=timezone.now(), held=False)
