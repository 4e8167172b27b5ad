"""Digests of notifications whose e-mails were held back by the bound of an hour."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet

from listings.accounts import mails
from listings.accounts.addresses import verified_users
from listings.accounts.models import AccountMail
from listings.notifications import hourly_bound
from listings.notifications.models import Email

MOST_AT_ONCE = 100  # the next round of reconcile finds the others


def request_digests() -> int:
    """Request an e-mail for each user whose notifications were held back, once the address has room again.

    Returns how many there are; run regularly.
    """
    asked = 0
    for user in _owed_a_digest()[:MOST_AT_ONCE]:
        with transaction.atomic():
            if hourly_bound.has_room(user.email):
                mails.request_mail(AccountMail.Kind.DIGEST, address=user.email, user=user)
                asked += 1
    return asked


def _owed_a_digest() -> QuerySet[User]:
    held = Email.objects.filter(held=True, sent_at=None, error="").values("notification__recipient")
    on_its_way = AccountMail.objects.filter(kind=AccountMail.Kind.DIGEST, sent_at=None, error="").values(
        "user"
    )
    return verified_users().filter(pk__in=held).exclude(pk__in=on_its_way).order_by("pk")
