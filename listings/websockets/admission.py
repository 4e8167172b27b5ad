"""Who may connect: pages of our own origins, so many at once of one user or address, with a good token."""

import time
from collections import Counter
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.http.request import validate_host
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import TokenError

from microstore.auth.authentication import TokenAuthentication
from microstore.http.limits import network_of

BAD_REQUEST, BAD_TOKEN, WRONG_ORIGIN, TOO_SLOW, TOO_MANY = 4400, 4401, 4403, 4408, 4429
MAX_DIGITS = 18

_taken: Counter[str] = Counter()  # in this process


class NoSeat(Exception):
    """The socket is closed with this code and reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Bearer(NamedTuple):
    """Whose token it is, and for how long."""

    user_id: int
    seconds_left: float


def take_seat(who: str, *, limit: int) -> str:
    """Count one more connection; returns what to give back. Raises NoSeat where there are enough."""
    if _taken[who] >= limit:
        raise NoSeat(TOO_MANY, "too many connections; close one")
    _taken[who] += 1
    return who


def give_back(seat: str) -> None:
    """Count one less."""
    _taken[seat] -= 1
    if not _taken[seat]:
        del _taken[seat]


def check_origin(scope: Any) -> None:
    """Refuse pages of other sites (RFC 6455, 10.2). What is no browser names no origin, and may come."""
    origin = _header(scope, b"origin")
    if origin is None or origin in settings.CSRF_TRUSTED_ORIGINS:
        return
    try:
        host = urlsplit(origin).hostname
    except ValueError:
        host = None
    if not host or not validate_host(host, settings.ALLOWED_HOSTS):
        raise NoSeat(WRONG_ORIGIN, "this origin is not ours")


def address_of(scope: Any) -> str:
    """The client's network, behind as many proxies as PROXIES says."""
    forwarded = [part.strip() for part in (_header(scope, b"x-forwarded-for") or "").split(",")]
    if settings.PROXIES and forwarded[0]:
        return network_of(forwarded[-min(settings.PROXIES, len(forwarded))])
    return network_of((scope.get("client") or [""])[0])


def read_after(value: str | None) -> int | None:
    """The seq after which a client resumes."""
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) <= MAX_DIGITS):
        raise NoSeat(BAD_REQUEST, "after must be a seq: a whole number")
    return int(value)


def read_token(value: str | None) -> Bearer:
    """The bearer of an access token."""
    authentication = TokenAuthentication()
    try:
        token = authentication.get_validated_token((value or "").encode())
        account = authentication.get_user(token)  # type: ignore[no-untyped-call]  # untyped in simplejwt
    except (AuthenticationFailed, TokenError, UnicodeError) as error:
        raise NoSeat(BAD_TOKEN, "the token is missing, bad or expired") from error
    return Bearer(account.account_id, token["exp"] - time.time())


def _header(scope: Any, name: bytes) -> str | None:
    values = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return ",".join(values) if values else None
