"""Asking the fee function what orders cost: one HTTP call a batch."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

import requests
from django.conf import settings
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from requests.adapters import HTTPAdapter
from urllib3 import Retry

from microstore.contracts.transactions import OrderCreated
from microstore.messaging.receiving.consumer import Unavailable
from microstore.telemetry import otel
from transactions import metrics
from transactions.circuit_breaker import CircuitBreaker, CircuitOpen
from transactions.fee_signing import aws_signature, signature_of

# A wrong key or a closed door is for an operator to mend: the orders are good, and wait.
UNAVAILABLE = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)

breaker = CircuitBreaker()


class Quote(BaseModel):
    """What an order costs."""

    order_id: UUID
    fee_cents: Annotated[int, Field(strict=True, ge=0)]
    total_cents: Annotated[int, Field(strict=True, ge=0)]
    rule: Annotated[str, Field(max_length=100)]
    breakdown: dict[str, Any] = {}


class RefusedQuote(BaseModel):
    """Why the fee function will not price an order."""

    order_id: UUID
    error: Annotated[str, Field(min_length=1)]


AnyQuote = Quote | RefusedQuote


class Answer(BaseModel):
    """The fee function's answer for a batch."""

    fees: list[AnyQuote]


ANSWER = TypeAdapter(Answer)


class FeesUnavailable(Unavailable):
    """The fee function does not answer, or not in a way that can be trusted."""


class FeeRequestRefused(Exception):
    """The fee function does not understand the request: a fault of ours or of the message."""


def fetch_quotes(orders: Sequence[OrderCreated]) -> dict[UUID, AnyQuote]:
    """A quote for each of the orders, by order id; raises FeesUnavailable, or FeeRequestRefused on 4xx."""
    try:
        span = otel.of_messages("fees", kind="CLIENT", carriers=orders)
        with breaker.guard(FeesUnavailable), metrics.fee_call(), span:
            response = ask(orders)
            if response.ok:
                return checked(response.content, orders)
    except CircuitOpen:
        metrics.SPARED.inc()
        raise FeesUnavailable("The fee function failed a moment ago and is left alone for a while.") from None
    raise FeeRequestRefused(f"{response.status_code}: {response.text[:300]}")


def ask(orders: Sequence[OrderCreated]) -> requests.Response:
    """The fee function's answer to one call."""
    body = json.dumps({"orders": [as_question(order) for order in orders]}).encode()
    headers = {"Content-Type": "application/json", **signature_of(body)}
    try:
        response = session().post(
            settings.FEES_URL, data=body, headers=headers, timeout=settings.FEES_TIMEOUT_SECONDS
        )
    except requests.RequestException as error:
        raise FeesUnavailable(str(error)) from error
    status = response.status_code
    if status in UNAVAILABLE or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        breaker.leave_alone(seconds_to_wait(response.headers.get("Retry-After", "")))
        raise FeesUnavailable(f"The fee function answered {status}.")
    return response


def seconds_to_wait(retry_after: str) -> float:
    """What Retry-After asks for: seconds or a date (RFC 9110, 10.2.3); 0 where it makes no sense."""
    if retry_after.isascii() and retry_after.isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
        return max(0.0, (until - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return 0.0


def checked(content: bytes, orders: Sequence[OrderCreated]) -> dict[UUID, AnyQuote]:
    """The quotes in the answer, if there is one for each order and the sums are right."""
    try:
        quotes = {quote.order_id: quote for quote in ANSWER.validate_json(content).fees}
    except ValidationError as error:
        raise FeesUnavailable(f"The fee function's answer makes no sense: {error}") from error
    for order in orders:
        quote = quotes.get(order.order_id)
        if quote is None:
            raise FeesUnavailable(f"The fee function's answer leaves out order {order.order_id}.")
        if isinstance(quote, Quote) and quote.total_cents != price_cents(order) + quote.fee_cents:
            raise FeesUnavailable(f"The fee function's total for order {order.order_id} is wrong.")
    return quotes


def price_cents(order: OrderCreated) -> int:
    """What all items together cost, without the fee."""
    return order.unit_price_cents * order.quantity


def as_question(order: OrderCreated) -> dict[str, Any]:
    """What the fee function needs to know of an order, and no more."""
    return {
        "order_id": str(order.order_id),
        "price_cents": order.unit_price_cents,
        "currency": order.currency,
        "quantity": order.quantity,
        "category": order.category or None,
    }


@cache
def session() -> requests.Session:
    """One pool of connections a process. Asking again is safe, since the function is pure.

    A read that timed out is not repeated here: the broker waits better than a worker does. Nor does urllib3
    see to Retry-After: it would make an error of the answer that names it.
    """
    retry = Retry(
        connect=1,
        read=0,
        status=0,
        other=0,
        backoff_factor=0.1,
        allowed_methods=None,
        respect_retry_after_header=False,
    )
    pooled = requests.Session()
    # What the environment says of proxies and certificates, read once: requests would do so at each call.
    surroundings = pooled.merge_environment_settings(settings.FEES_URL, {}, None, None, None)
    pooled.proxies, pooled.verify, pooled.trust_env = surroundings["proxies"], surroundings["verify"], False
    pooled.auth = aws_signature()
    for scheme in ("http://", "https://"):
        pooled.mount(scheme, HTTPAdapter(max_retries=retry))
    return pooled
