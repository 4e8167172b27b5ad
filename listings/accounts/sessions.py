"""Sessions and profiles: log in and out, renew tokens, change password and e-mail address.

A session lasts from log-in to log-out. Its row holds the id of its one valid refresh token; deleting the row
ends the session. Access tokens stay valid until they expire (docs/decisions/0009).
"""

from typing import Any, cast

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpRequest
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.utils import datetime_from_epoch

from listings.models import Profile, Session
from listings.refusals import SessionOver, WrongCredentials, WrongPassword
from microstore.auth.tokens import RefreshToken

WRONG = "No active account has this name and password. Names are case-sensitive."


def log_in(username: str, *, password: str, request: HttpRequest) -> RefreshToken:
    """Open a session and return its refresh token; raises WrongCredentials or TooManyFailures."""
    return open_session(check_credentials(username, password=password, request=request))


def check_credentials(username: str, *, password: str, request: HttpRequest) -> User:
    """Return the user with this name and password; raises WrongCredentials or TooManyFailures."""
    # `authenticate` hashes the password for an unknown name, too: the time it takes reveals no user name.
    user = authenticate(request, username=username, password=password)
    if user is None:
        raise WrongCredentials(WRONG)
    return user


def open_session(user: User) -> RefreshToken:
    """Open a session, delete the user's expired ones, and return its refresh token."""
    # Deleted here, since nothing else cleans the table.
    Session.objects.filter(user=user, expires_at__lt=Now()).delete()
    token = cast("RefreshToken", RefreshToken.for_user(user))
    session = Session.objects.create(
        user=user, jti=token["jti"], expires_at=datetime_from_epoch(token["exp"])
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


def change_password(user: User, *, current: str, new: str, request: HttpRequest) -> RefreshToken:
    """Set the password, end all sessions and return the refresh token of a new one.

    Raises WrongPassword, TooManyFailures, or Django's ValidationError for a weak one.
    """
    # By `authenticate`, too: whoever holds a stolen token must not be able to guess the password here.
    if authenticate(request, username=user.username, password=current) is None:
        raise WrongPassword("This is not your current password.")
    validate_password(new, user)
    with transaction.atomic():
        user.set_password(new)
        user.save(update_fields=["password"])
        Session.objects.filter(user=user).delete()
        return open_session(user)


def change_profile(user: User, changes: dict[str, Any]) -> None:
    """Change the user's `email` and `email_notifications`, whichever are given."""
    with transaction.atomic():
        if "email" in changes:
            user.email = changes["email"]
            user.save(update_fields=["email"])
        if "email_notifications" in changes:
            wanted = {"email_notifications": changes["email_notifications"]}
            Profile.objects.update_or_create(user=user, defaults=wanted)


def read_refresh_token(text: str) -> RefreshToken:
    """Return the verified refresh token of a session; raises SessionOver."""
    try:
        token = RefreshToken(text)  # type: ignore[arg-type]  # simplejwt takes text, too
    except TokenError as error:
        raise SessionOver("This is no valid refresh token; log in again.") from error
    if "sid" not in token:
        raise SessionOver("This refresh token belongs to no session; log in again.")
    return token
