"""How often somebody may ask: counted in Redis, so that all API processes count together.

Redis is a convenience here: where it does not answer, nobody is held back, and it is left alone for a while.
"""

import ipaddress
import time
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

if TYPE_CHECKING:  # it imports this module
    from rest_framework.views import APIView

log = structlog.get_logger(__name__)

ANSWERS_WITHIN_SECONDS = 0.1
LEFT_ALONE_SECONDS = 5
PERIODS_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
# One round trip: counts, and lets the window begin with the first request.
COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('TTL', KEYS[1])}
"""


class Quota(NamedTuple):
    """So many requests in so many seconds."""

    requests: int
    seconds: int


class Counted(NamedTuple):
    """What the answer to a request tells of it, and how long to wait if it was one too many."""

    headers: dict[str, str]
    wait_seconds: int | None = None


class Limits(BaseThrottle):
    """DRF's throttle: one quota a request, by the view's `throttle_scope` or by what is asked.

    The answer tells how much is left (draft-ietf-httpapi-ratelimit-headers-10).
    """

    _wait: int | None = None

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """Count the request; False if it is one too many."""
        counted = count_request(scope_of(request, view) or "", self.who(request))
        view.headers |= counted.headers
        self._wait = counted.wait_seconds
        return counted.wait_seconds is None

    def wait(self) -> int | None:
        """In how many seconds there is room again, for `Retry-After`."""
        return self._wait

    def who(self, request: Request) -> str:
        """The account, else the address; of IPv6 the /64 that one customer has."""
        if request.user and request.user.is_authenticated:
            return name_of(request.user.pk)
        return network_of(self.get_ident(request) or "")


class Counter:
    """Counts in Redis, or not at all while Redis is away."""

    def __init__(self, url: str) -> None:
        client = redis.Redis.from_url(
            url,
            socket_timeout=ANSWERS_WITHIN_SECONDS,
            socket_connect_timeout=ANSWERS_WITHIN_SECONDS,
            retry=Retry(NoBackoff(), 1),  # a connection that Redis has closed meanwhile
        )
        self._script: Script = client.register_script(COUNT)
        self._left_alone_until = 0.0

    def count(self, name: str, seconds: int) -> tuple[int, int] | None:
        """How many there were in this window, this one included, and its seconds left; None if unknown."""
        if time.monotonic() < self._left_alone_until:
            return None
        try:
            counted: Any = self._script(keys=[f"limit:{name}"], args=[seconds])
            count, seconds_left = counted
        except redis.RedisError as error:
            self._left_alone_until = time.monotonic() + LEFT_ALONE_SECONDS
            log.warning("limits_not_counted", error=repr(error))
            return None
        return int(count), max(int(seconds_left), 1)


def count_request(scope: str, who: str) -> Counted:
    """Count one more of this scope; where there is no quota, or nobody to count, there is nothing to tell."""
    quota = quotas().get(scope)
    counted = quota and current_counter().count(f"{scope}:{who}", quota.seconds)
    if not quota or not counted:
        return Counted({})
    count, seconds_left = counted
    headers = {
        "RateLimit-Policy": f'"{scope}";q={quota.requests};w={quota.seconds}',
        "RateLimit": f'"{scope}";r={max(quota.requests - count, 0)};t={seconds_left}',
    }
    return Counted(headers, seconds_left if count > quota.requests else None)


def name_of(account: int | str) -> str:
    """Under which an account is counted."""
    return f"account {account}"


def network_of(address: str) -> str:
    """The address; of IPv6 the /64 that one customer has."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:45]
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)  # noqa: PLR2004


def scope_of(request: Request, view: "APIView") -> str | None:
    """What the view names; else a search is one, and so is whatever a stranger asks for."""
    named: str | None = getattr(view, "throttle_scope", None)
    if named:
        return named
    if request.query_params.get("search"):
        return "search"
    return None if request.user and request.user.is_authenticated else "anonymous"


@cache
def current_counter() -> Counter:
    """The process's connections to Redis."""
    return Counter(settings.LIMITS_URL)


@cache
def quotas() -> dict[str, Quota]:
    """The quotas by scope, as the settings name them: `buy` is `120/minute`."""
    if not settings.LIMITS_URL:
        return {}
    return {scope: parse_quota(text) for scope, text in settings.LIMITS.items() if text != "off"}


def parse_quota(text: str) -> Quota:
    """`20/hour` as numbers; raises ValueError or KeyError for what is none."""
    requests, _, period = text.partition("/")
    return Quota(int(requests), PERIODS_SECONDS[period])
