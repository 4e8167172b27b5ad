"""Rate limits of the API, counted in Redis by all API processes together.

They fail open: while Redis does not respond, no request is refused, and none waits for it for a while.
"""

import re
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any, NamedTuple

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from microstore.http.circuit_breaker import CircuitBreaker, CircuitOpen

if TYPE_CHECKING:  # it imports this module
    from rest_framework.views import APIView

log = structlog.get_logger(__name__)

ANSWERS_WITHIN_SECONDS = 0.1
PAUSE_SECONDS = 5
WITH_PORT = re.compile(r"\[(?P<six>[^]]+)](:[0-9]+)?|(?P<four>[0-9.]+):[0-9]+")  # as some proxies append it
PERIODS_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
# One script, since a process that died between INCR and EXPIRE would leave a counter that never expires:
# its client would be refused for ever.
COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('TTL', KEYS[1])}
"""


class Quota(NamedTuple):
    """Number of requests allowed in a window of seconds."""

    requests: int
    seconds: int


class Counted(NamedTuple):
    """Headers for the response, and the seconds to wait where the request exceeds its quota."""

    headers: dict[str, str]
    wait_seconds: int | None = None


class Limits(BaseThrottle):
    """DRF throttle: counts each request in one quota, that of the view's `throttle_scope` or a default one.

    Responses have the headers of draft-ietf-httpapi-ratelimit-headers-10.
    """

    _wait: int | None = None

    def allow_request(self, request: Request, view: "APIView") -> bool:
        counted = count_request(scope_of(request, view) or "", self.client_of(request))
        view.headers |= counted.headers
        self._wait = counted.wait_seconds
        return counted.wait_seconds is None

    def wait(self) -> int | None:
        return self._wait

    def client_of(self, request: Request) -> str:
        """Return the name under which the caller is counted: the account, else the network."""
        if request.user and request.user.is_authenticated:
            return name_of(request.user.pk)
        return network_of(self.get_ident(request) or "")


class Counter:
    """Counters in Redis; they count nothing while Redis is unavailable."""

    def __init__(self, url: str) -> None:
        client = redis.Redis.from_url(
            url,
            socket_timeout=ANSWERS_WITHIN_SECONDS,
            socket_connect_timeout=ANSWERS_WITHIN_SECONDS,
            retry=Retry(NoBackoff(), 1),  # a connection that Redis has closed meanwhile
        )
        self._script: Script = client.register_script(COUNT)
        self._breaker = CircuitBreaker(
            failures=1, pause_seconds=PAUSE_SECONDS, longest_pause_seconds=PAUSE_SECONDS
        )

    def count(self, name: str, seconds: int) -> tuple[int, int] | None:
        """Count a request; return its number in this window and the seconds left, None if Redis fails."""
        try:
            with self._breaker.guard(redis.RedisError):
                counted: Any = self._script(keys=[f"limit:{name}"], args=[seconds])
        except CircuitOpen:
            return None
        except redis.RedisError as error:
            log.warning("limits_not_counted", error=repr(error))
            return None
        count, seconds_left = counted
        return int(count), max(int(seconds_left), 1)


def count_request(scope: str, client: str) -> Counted:
    """Count a request of the client; without a quota or a count the result has no headers and no wait."""
    quota = quotas().get(scope)
    counted = quota and current_counter().count(f"{scope}:{client}", quota.seconds)
    if not quota or not counted:
        return Counted({})
    count, seconds_left = counted
    headers = {
        "RateLimit-Policy": f'"{scope}";q={quota.requests};w={quota.seconds}',
        "RateLimit": f'"{scope}";r={max(quota.requests - count, 0)};t={seconds_left}',
    }
    return Counted(headers, seconds_left if count > quota.requests else None)


def name_of(account: int | str) -> str:
    """Return the name under which an account is counted."""
    return f"account {account}"


def read_address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address of a client, as a server or a proxy writes it; None where it is none."""
    written = text.strip()
    found = WITH_PORT.fullmatch(written)
    try:
        # Without the zone of a link-local one, which PostgreSQL does not store.
        address = ip_address((found["six"] or found["four"] if found else written).partition("%")[0])
    except ValueError:
        return None
    # A server that listens on IPv6 sees clients of IPv4 as ::ffff:192.0.2.7, all of them in one /64.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def network_of(address: str, *, prefix: int = 64) -> str:
    """Return the address, of IPv6 its network of this prefix; other text is cut to 45 characters."""
    # A host can use any address of its /64 (RFC 8981), so a quota for each address would limit nothing.
    parsed = read_address(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, prefix), strict=False))
    return str(parsed) if parsed else address[:45]


def scope_of(request: Request, view: "APIView") -> str | None:
    """Return the view's own scope, else `search` or `anonymous`; None for other requests of accounts."""
    named: str | None = getattr(view, "throttle_scope", None)
    if named:
        return named
    if request.query_params.get("search"):
        return "search"
    return None if request.user and request.user.is_authenticated else "anonymous"


@cache
def current_counter() -> Counter:
    """Return the counter of this process."""
    return Counter(settings.LIMITS_URL)


@cache
def quotas() -> dict[str, Quota]:
    """Return the quotas of the settings by scope: `buy` is `120/minute`."""
    if not settings.LIMITS_URL:
        return {}
    return {scope: parse_quota(text) for scope, text in settings.LIMITS.items() if text != "off"}


def parse_quota(text: str) -> Quota:
    """Parse a quota such as `20/hour`; raises ValueError or KeyError where it is invalid."""
    requests, _, period = text.partition("/")
    return Quota(int(requests), PERIODS_SECONDS[period])
