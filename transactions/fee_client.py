"""The fee function's client: one HTTP call a batch, and the choice between an outage and an order's fault."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from types import MappingProxyType
from uuid import UUID

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings

from microstore.contracts.transactions import OrderCreated
from microstore.fee_function import calls
from microstore.fee_function.quotes import AnyQuote, FeeRequest, WrongAnswer, read_quotes
from microstore.http.calls import CallFailed
from microstore.http.circuit_breaker import CircuitBreaker, CircuitOpen
from microstore.messaging.receiving.consumer import Unavailable
from microstore.telemetry import otel
from transactions import metrics

# These say nothing of the orders in the request: a wrong key, a limit of calls, a busy server.
NEVER_THE_ORDERS = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
)
# A function that raises for one order answers these, for the whole batch; so does one that is down.
PERHAPS_ONE_ORDER = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY)
RETRY_AFTER_LENGTH_LIMIT = 40

NO_TIERS: Mapping[int, str] = MappingProxyType({})

breaker = CircuitBreaker()


class FeesUnavailable(Unavailable):
    """The fee function serves nobody at present; the orders wait."""


class NotPriced(Exception):
    """The fee function serves others, but has no usable answer for these orders."""


def fetch_quotes(
    orders: Sequence[OrderCreated], *, tiers: Mapping[int, str] = NO_TIERS
) -> dict[UUID, AnyQuote]:
    """Return a quote for each of the orders, by order id; `tiers` are those of sellers, by their ids.

    Raise FeesUnavailable where the function serves nobody, or is left alone after failures; NotPriced where
    it serves others but not these: of several orders each is then to be tried alone.
    """
    requests = [FeeRequest.of(order, seller_tier=tiers.get(order.seller_id, "")) for order in orders]
    try:
        span = otel.of_messages("fees", kind="CLIENT", carriers=orders)
        with breaker.guard(FeesUnavailable, SoftTimeLimitExceeded), span:
            try:
                return _call(requests)
            except NotPriced as error:
                _ensure_others_are_priced()
                refusal = error
        # Outside the guard: the function answers, so its circuit closes.
        raise refusal
    except CircuitOpen:
        metrics.SPARED.inc()
        raise FeesUnavailable("The fee function failed recently; its circuit is open.") from None


def _ensure_others_are_priced() -> None:
    """Raise FeesUnavailable unless an order that any fee function prices is priced now.

    A gateway without its route answers 404 to every order, and so to this one too.
    """
    canary = FeeRequest(UUID(int=0), price_cents=10_000, currency=settings.CURRENCIES[0])
    try:
        _call([canary])
    except NotPriced as error:
        raise FeesUnavailable(f"The fee function prices no order. {error}") from error


def _call(requests: Sequence[FeeRequest]) -> dict[UUID, AnyQuote]:
    try:
        with metrics.fee_call():
            response, content = calls.post(requests)
            if response.status_code != HTTPStatus.OK:
                breaker.stay_open(_seconds_to_wait(response.headers.get("Retry-After", "")))
                raise _refusal(response.status_code, content, several=len(requests) > 1)
            if response.headers.get("Content-Encoding", "identity") != "identity":
                raise FeesUnavailable("The fee function's answer is compressed, which was not asked for.")
            return read_quotes(content, requests)
    except CallFailed as error:
        raise FeesUnavailable(str(error)) from error
    except WrongAnswer as error:
        raise NotPriced(str(error)) from error


def _refusal(status: int, content: bytes, *, several: bool) -> Exception:
    reason = f"The fee function answered {status}: {content[:300].decode('utf-8', 'replace')}"
    is_client_error = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    if (is_client_error and status not in NEVER_THE_ORDERS) or (several and status in PERHAPS_ONE_ORDER):
        return NotPriced(reason)
    return FeesUnavailable(reason)


def _seconds_to_wait(retry_after: str) -> float:
    """Return the seconds that Retry-After names, or until its date (RFC 9110, 10.2.3); 0 if malformed."""
    if re.fullmatch("[0-9]{1,9}", retry_after):
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after[:RETRY_AFTER_LENGTH_LIMIT])
        return max(0.0, (until - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return 0.0
