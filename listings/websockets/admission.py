"""Admission of WebSockets: by origin, by token, and by number of connections of a user or address."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary, WeakValueDictionary

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from rest_framework.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import Token

from microstore.auth.authentication import TokenAuthentication
from microstore.auth.tokens import LiveToken
from microstore.http.limits import network_of
from microstore.refusal import TokenExpired

BAD_REQUEST, BAD_TOKEN, WRONG_ORIGIN, TOO_SLOW, TOO_MANY = 4400, 4401, 4403, 4408, 4429
REPLACED, SILENT = 4409, 4410
BROKEN = 1011  # RFC 6455, 7.4.1: an unexpected condition
MAX_DIGITS = 18
CATCH_UPS = 20  # at once in one process: each reads the database
CATCH_UPS_OF_ONE = 2  # of one user, or of one address on the public feed


class Replaceable(Protocol):
    """A connection that can be closed from this end."""

    def close_from_here(self, code: int, reason: str) -> None:
        """Close the connection with this code and reason."""


# By user or address, oldest first. Of this process alone, and without a lock: only its event loop changes it.
_slots: defaultdict[str, list[Replaceable]] = defaultdict(list)


class ConnectionRejected(Exception):
    """A refused connection, with the close code and reason that its client receives."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Bearer(NamedTuple):
    """The user of an access token, and the seconds until it expires."""

    user_id: int
    seconds_left: float


def acquire_slot(name: str, socket: Replaceable, *, limit: int) -> str:
    """Count the connection under the name and return the name; raises ConnectionRejected at the limit."""
    if len(_slots[name]) >= limit:
        raise ConnectionRejected(TOO_MANY, "too many connections; close one")
    _slots[name].append(socket)
    return name


def acquire_slot_of_oldest(name: str, socket: Replaceable, *, limit: int) -> str:
    """Count the connection under the name and return the name; at the limit the oldest one is closed."""
    # A phone that has lost its network closes nothing, and TCP gives up after a quarter of an hour only.
    if len(_slots[name]) >= limit:
        _slots[name].pop(0).close_from_here(REPLACED, "a newer connection took this one's place")
    return acquire_slot(name, socket, limit=limit)


def release_slot(name: str, socket: Replaceable) -> None:
    """Undo `acquire_slot`; nothing is left to undo where the connection was replaced."""
    if socket in _slots[name]:
        _slots[name].remove(socket)
    if not _slots[name]:
        del _slots[name]  # or each address that ever came would stay in memory


class CatchUps:
    """Turns of connections that read what they missed: few in all, and very few of one user or address."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(CATCH_UPS)
        self._of_one: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Wait until the connection may read, and count it as reading within the `with` block."""
        of_one = self._of_one.setdefault(name, asyncio.Semaphore(CATCH_UPS_OF_ONE))
        # Its own first: whoever waits for these takes no turn from others.
        async with of_one, self._all:
            yield


_catch_ups: WeakKeyDictionary[asyncio.AbstractEventLoop, CatchUps] = WeakKeyDictionary()


def current_catch_ups() -> CatchUps:
    """Return those of the running event loop; a server process has one."""
    return _catch_ups.setdefault(asyncio.get_running_loop(), CatchUps())


def check_origin(scope: Any) -> None:
    """Reject pages of other sites (RFC 6455, 10.2); raises ConnectionRejected."""
    # Programs other than browsers send no origin, and may connect.
    origin = _header(scope, b"origin")
    if origin is None or origin in (*settings.CSRF_TRUSTED_ORIGINS, *settings.STOREFRONT_ORIGINS):
        return
    try:
        host, _ = split_domain_port(urlsplit(origin).netloc)  # as Django reads the Host of the page
    except ValueError:
        host = ""
    if not host or not validate_host(host, settings.ALLOWED_HOSTS):
        raise ConnectionRejected(WRONG_ORIGIN, "this origin is not ours")


def address_of(scope: Any) -> str:
    """Return the client's network, with as many proxies in front as PROXIES says."""
    # Counted from the right: each proxy appends an address, and the client may forge what stands before them.
    forwarded = [part.strip() for part in (_header(scope, b"x-forwarded-for") or "").split(",")]
    if settings.PROXIES and any(forwarded):
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
    """Return the user of a page's live token or an access token; raises ConnectionRejected."""
    authentication = TokenAuthentication()
    try:
        token = _validate_token(authentication, (value or "").encode())
        account = authentication.get_user(token)  # type: ignore[no-untyped-call]  # untyped in simplejwt
    except (AuthenticationFailed, TokenError, TokenExpired, UnicodeError) as error:
        raise ConnectionRejected(BAD_TOKEN, "the token is missing, bad or expired") from error
    return Bearer(account.account_id, token["exp"] - time.time())


def _validate_token(authentication: TokenAuthentication, text: bytes) -> Token:
    try:
        return LiveToken(text)  # type: ignore[arg-type]  # simplejwt takes text, too
    except TokenError:
        token: Token = authentication.get_validated_token(text)
        return token


def _header(scope: Any, name: bytes) -> str | None:
    values = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return ",".join(values) if values else None
