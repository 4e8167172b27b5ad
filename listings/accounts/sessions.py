"""Sessions and profiles: log in and out, renew tokens, change password and e-mail address.

A session lasts from log-in to log-out. Its row holds the id of its one valid refresh token; deleting the row
ends the session. Access tokens stay valid until they expire (docs/decisions/0009).
"""

from typing import Any, cast
from uuid import UUID

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.utils import datetime_from_epoch

from listings.accounts import history, mails
from listings.accounts.addresses import is_verified
from listings.accounts.models import AccountEvent
from listings.accounts.open_sessions import end_all
from listings.models import Profile, Session
from listings.refusals import SessionOver, WrongCredentials, WrongPassword
from microstore.auth.tokens import RefreshToken

WRONG = gettext_lazy("No active account has this name and password. Names are case-sensitive.")


def log_in(username: str, *, password: str, request: HttpRequest) -> RefreshToken:
    """Open a session and return its refresh token; raises WrongCredentials or TooManyFailures."""
    user = check_credentials(username, password=password, request=request)
    history.record(AccountEvent.Kind.LOGGED_IN, user.pk, request=request)
    return open_session(user, request=request)


def check_credentials(username: str, *, password: str, request: HttpRequest) -> User:
    """Return the user with this name and password; raises WrongCredentials or TooManyFailures."""
    # `authenticate` hashes the password for an unknown name, too: the time it takes reveals no user name.
    user = authenticate(request, username=username, password=password)
    if user is None:
        raise WrongCredentials(WRONG)
    return user


def open_session(user: User, *, request: HttpRequest | None = None) -> RefreshToken:
    """Open a session, delete the user's expired ones, and return its refresh token."""
    # Deleted here, since nothing else cleans the table.
    Session.objects.filter(user=user, expires_at__lt=Now()).delete()
    token = cast("RefreshToken", RefreshToken.for_user(user))
    session = Session.objects.create(
        user=user,
        jti=token["jti"],
        expires_at=datetime_from_epoch(token["exp"]),
        **history.seen_from(request),
    )
    return _of_session(token, session)


def renew_session(text: str) -> RefreshToken:
    """Return the session's next refresh token in exchange for its present one; raises SessionOver.

    A token that was exchanged before ends the session: either it or the present one is stolen (RFC 9700,
    4.14.2).
    """
    old = read_refresh_token(text)
    session = Session.objects.filter(id=old["sid"], user__is_active=True).select_related("user").first()
    if session is None or old.get("password") != _fingerprint(session.user):
        raise SessionOver("This session is over; log in again.")
    token = _of_session(cast("RefreshToken", RefreshToken.for_user(session.user)), session)
    expires_at = datetime_from_epoch(token["exp"])
    # One UPDATE compares and replaces: of two requests at once with the same token one finds another id.
    if not Session.objects.filter(id=session.id, jti=old["jti"]).update(
        jti=token["jti"], expires_at=expires_at
    ):
        session.delete()
        raise SessionOver("This refresh token was used before, so its session was ended; log in again.")
    return token


def _of_session(token: RefreshToken, session: Session) -> RefreshToken:
    token["sid"] = str(session.id)
    # A password that is set anywhere, also in the admin or by a command, ends the sessions of the one before.
    token["password"] = _fingerprint(session.user)
    return token


def _fingerprint(user: User) -> str:
    # Keyed with SECRET_KEY: it tells whoever reads the token nothing of the password.
    return user.get_session_auth_hash()[:16]


def log_out(text: str) -> None:
    """End the session of this refresh token, if it is not over yet; raises SessionOver for a bad token."""
    Session.objects.filter(id=read_refresh_token(text)["sid"]).delete()


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


def read_refresh_token(text: str) -> RefreshToken:
    """Return the verified refresh token of a session; raises SessionOver."""
    try:
        token = RefreshToken(text)  # type: ignore[arg-type]  # simplejwt takes text, too
    except TokenError as error:
        raise SessionOver("This is no valid refresh token; log in again.") from error
    if "sid" not in token:
        raise SessionOver("This refresh token belongs to no session; log in again.")
    return token
