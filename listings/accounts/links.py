"""Use of the links in e-mails: an address is verified, or a password is reset."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from listings.accounts import history, mails, profile
from listings.accounts.addresses import verified_users
from listings.accounts.link_tokens import hash_of
from listings.accounts.models import AccountEvent, AccountMail
from listings.models import Profile
from listings.refusals import LinkOver
from microstore.staff import actions

Kind = AccountMail.Kind
OVER = gettext_lazy("This link was used before, or is too old. Please ask for another one.")


@transaction.atomic
def verify_address(token: str, *, request: HttpRequest) -> None:
    """Note that the user of this link has its address; raises LinkOver."""
    mail, user = _find(token, Kind.VERIFY_ADDRESS)
    if user.email != mail.address:
        raise LinkOver(OVER)
    _use(user, Kind.VERIFY_ADDRESS)
    Profile.objects.update_or_create(user=user, defaults={"verified_email": mail.address})
    history.record(AccountEvent.Kind.ADDRESS_VERIFIED, user.pk, request=request)


@transaction.atomic
def reset_password(token: str, new: str, *, request: HttpRequest) -> None:
    """Set the password of the link's user and end all sessions.

    Raises LinkOver, or Django's ValidationError for a weak password, after which the link is still good.
    """
    mail, user = _find(token, Kind.RESET_PASSWORD)
    # The address may have been changed since, because somebody else reads the mailbox.
    if user.email != mail.address or not verified_users().filter(pk=user.pk).exists():
        raise LinkOver(OVER)
    profile.set_password(user, new)
    _use(user, Kind.RESET_PASSWORD)
    history.record(AccountEvent.Kind.PASSWORD_RESET, user.pk, request=request)
    mails.request_mail(Kind.PASSWORD_CHANGED, address=user.email, user=user)
    if user.is_staff:
        seen = history.seen_from(request)
        actions.record("reset the password", by=user.username, address=seen["address"])


def _find(token: str, kind: AccountMail.Kind) -> tuple[AccountMail, User]:
    live = AccountMail.objects.filter(kind=kind, token_hash=hash_of(token), expires_at__gt=Now())
    mail = live.select_related("user").first()
    # The user's row is locked first, so that of two requests with the same link the second finds it used.
    users = User.objects.select_for_update(of=("self",))
    user = mail and users.filter(accountmail=mail, is_active=True).first()
    if not mail or not user or not live.exists():
        raise LinkOver(OVER)
    return mail, user


def _use(user: User, kind: AccountMail.Kind) -> None:
    # Older links of the kind, too: one that somebody has copied is worth nothing once another was used.
    AccountMail.objects.filter(user=user, kind=kind).update(token_hash=None)
