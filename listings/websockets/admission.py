"""Admission of WebSockets: by origin, by token, and by number of connections of a user or address."""

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

# Of this process alone, and without a lock: only its event loop changes them.
_slots: Counter[str] = Counter()


class ConnectionRejected(Exception):
    """A refused connection, with the close code and reason that its client receives."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Bearer(NamedTuple):
    """The user of an access token, and the seconds until it expires."""

    user_id: int
    seconds_left: float


def acquire_slot(name: str, *, limit: int) -> str:
    """Count a connection under the name and return the name; raises ConnectionRejected at the limit."""
    if _slots[name] >= limit:
        raise ConnectionRejected(TOO_MANY, "too many connections; close one")
    _slots[name] += 1
    return name


def release_slot(name: str) -> None:
    """Undo one `acquire_slot` of this name."""
    _slots[name] -= 1
    if not _slots[name]:
        del _slots[name]  # or each address that ever came would stay in memory


def check_origin(scope: Any) -> None:
    """Reject pages of other sites (RFC 6455, 10.2); raises ConnectionRejected."""
    # Programs other than browsers send no origin, and may connect.
    origin = _header(scope, b"origin")
    if origin is None or origin in settings.CSRF_TRUSTED_ORIGINS:
        return
    try:
        host = urlsplit(origin).hostname
    except ValueError:
        host = None
    if not host or not validate_host(host, settings.ALLOWED_HOSTS):
        raise ConnectionRejected(WRONG_ORIGIN, "this origin is not ours")


def address_of(scope: Any) -> str:
    """Return the client's network, with as many proxies in front as PROXIES says."""
    # Counted from the right: each proxy appends an address, and the client may forge what stands before them.
    forwarded = [part.strip() for part in (_header(scope, b"x-forwarded-for") or "").split(",")]
    if settings.PROXIES and forwarded[0]:
        return network_of(forwarded[-min(settings.PROXIES, len(forwarded))])
    return network_of((scope.get("client") or [""])[0])


def read_after(value: str | None) -> int | None:
    """Return the seq after which a client resumes; raises ConnectionRejected."""
    if value is None:
        return None
    if not (value.isascii() and value.isdecimal() and len(value) <= MAX_DIGITS):
        raise ConnectionRejected(BAD_REQUEST, "after must be a seq: a whole number")
    return int(value)


def read_token(value: str | None) -> Bearer:
    """Return the user of an access token; raises ConnectionRejected."""
    authentication = TokenAuthentication()
    try:
        token = authentication.get_validated_token((value or "").encode())
        account = authentication.get_user(token)  # type: ignore[no-untyped-call]  # untyped in simplejwt
    except (AuthenticationFailed, TokenError, UnicodeError) as error:
        raise ConnectionRejected(BAD_TOKEN, "the token is missing, bad or expired") from error
    return Bearer(account.account_id, token["exp"] - time.time())


def _header(scope: Any, name: bytes) -> str | None:
    values = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return ",".join(values) if values else None
