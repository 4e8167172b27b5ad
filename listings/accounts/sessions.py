"""Sessions of the API: log in and out, renew tokens.

A session lasts from log-in to log-out. Its row holds the id of its one valid refresh token; deleting the row
ends the session. Access tokens stay valid until they expire (docs/decisions/0009).
"""

from typing import cast

from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.http import HttpRequest
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.utils import datetime_from_epoch

from listings.accounts import history
from listings.accounts.models import AccountEvent
from listings.accounts.profile import check_credentials
from listings.models import Session
from listings.refusals import SessionOver
from microstore.auth.tokens import RefreshToken


def log_in(username: str, *, password: str, request: HttpRequest) -> RefreshToken:
    """Open a session and return its refresh token; raises WrongCredentials or TooManyFailures."""
    user = check_credentials(username, password=password, request=request)
    history.record(AccountEvent.Kind.LOGGED_IN, user.pk, request=request)
    return open_session(user, request=request)


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


def read_refresh_token(text: str) -> RefreshToken:
    """Return the verified refresh token of a session; raises SessionOver."""
    try:
        token = RefreshToken(text)  # type: ignore[arg-type]  # simplejwt takes text, too
    except TokenError as error:
        raise SessionOver("This is no valid refresh token; log in again.") from error
    if "sid" not in token:
        raise SessionOver("This refresh token belongs to no session; log in again.")
    return token
