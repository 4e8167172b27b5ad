"""Changes of one's own account, given its password: password, e-mail address, e-mails that it gets.

Apart from the sessions of the API, whose libraries workers need not load.
"""

from typing import Any
from uuid import UUID

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy

from listings.accounts import history, mails
from listings.accounts.addresses import is_verified
from listings.accounts.models import AccountEvent
from listings.accounts.open_sessions import end_all
from listings.models import Profile
from listings.refusals import WrongCredentials, WrongPassword

WRONG = gettext_lazy("No active account has this name and password. Names are case-sensitive.")


def check_credentials(username: str, *, password: str, request: HttpRequest) -> User:
    """Return the user with this name and password; raises WrongCredentials or TooManyFailures."""
    # `authenticate` hashes the password for an unknown name, too: the time it takes reveals no user name.
    user = authenticate(request, username=username, password=password)
    if user is None:
        raise WrongCredentials(WRONG)
    return user


def change_password(user: User, *, current: str, new: str, request: HttpRequest) -> None:
    """Set the password and end all sessions; the caller may open a new one.

    Raises WrongPassword, TooManyFailures, or Django's ValidationError for a weak one.
    """
    ensure_password(user, current, request=request)
    with transaction.atomic():
        set_password(user, new)
        history.record(AccountEvent.Kind.PASSWORD_CHANGED, user.pk, request=request)
        if is_verified(user):
            mails.request_mail(mails.Kind.PASSWORD_CHANGED, address=user.email, user=user)


def ensure_password(user: User, password: str, *, request: HttpRequest) -> None:
    """Raise WrongPassword or TooManyFailures unless this is the user's password."""
    # By `authenticate`, too: whoever holds a stolen token must not be able to guess the password here.
    if authenticate(request, username=user.username, password=password) is None:
        raise WrongPassword(gettext("This is not your current password."))


def set_password(user: User, new: str) -> None:
    """Set the password and end all sessions; raises Django's ValidationError for a weak one."""
    validate_password(new, user)
    with transaction.atomic():
        user.set_password(new)
        user.save(update_fields=["password"])
        end_all(user.pk)


def change_profile(user: User, changes: dict[str, Any], *, request: HttpRequest) -> None:
    """Change the user's `email`, for which the `password` is needed, and `email_notifications`.

    Whichever are given; raises WrongPassword or TooManyFailures.
    """
    new = changes.get("email", user.email)
    if new != user.email:
        ensure_password(user, changes.get("password", ""), request=request)
    with transaction.atomic():
        if new != user.email:
            if is_verified(user):
                mails.request_mail(mails.Kind.ADDRESS_CHANGED, address=user.email, user=user)
            user.email = new
            user.save(update_fields=["email"])
            mails.request_verification(user)
            history.record(AccountEvent.Kind.ADDRESS_CHANGED, user.pk, request=request)
        if "email_notifications" in changes:
            wanted = {"email_notifications": changes["email_notifications"]}
            Profile.objects.update_or_create(user=user, defaults=wanted)


def unsubscribe(token: UUID) -> None:
    """End the e-mails of notifications for the user of this token; one that nobody has changes nothing."""
    Profile.objects.filter(unsubscribe_token=token).update(email_notifications=False)
