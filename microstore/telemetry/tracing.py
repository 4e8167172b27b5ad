"""Trace context of a purchase through HTTP, outbox, broker and both services (W3C Trace Context)."""

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import structlog
from django.http import HttpRequest, HttpResponse

from microstore.contracts.contract import TRACEPARENT
from microstore.telemetry import otel

# An X-Trace-Id is sent back in a header, where a line break raises BadHeaderError: a 500.
PRINTABLE = re.compile("[!-~]{1,128}")

_traceparent: ContextVar[str] = ContextVar("traceparent")


def new_trace(trace_id: str | None = None) -> str:
    """Return the `traceparent` of a new span, in the given trace or a new one.

    https://www.w3.org/TR/trace-context/
    """
    return f"00-{trace_id or secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def current_trace() -> str:
    """Return the `traceparent` of the present request or message; a new one outside of both."""
    return _traceparent.get(None) or new_trace()


def trace_id_of(traceparent: str) -> str:
    """Return the trace id of a `traceparent`: 32 hexadecimal digits."""
    return traceparent[3:35]


def uuid_of(term: str) -> UUID | None:
    """Return the UUID that the term is, with or without its dashes, or None."""
    digits = term.strip().lower().replace("-", "")
    return UUID(digits) if re.fullmatch("[0-9a-f]{32}", digits) else None


def trace_start(term: str) -> str | None:
    """Return how traceparents of this trace begin; the term is a trace id or a traceparent."""
    term = term.strip().lower()
    if found := re.fullmatch("00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", term):
        return f"00-{found[1]}-"
    trace_id = uuid_of(term)
    return f"00-{trace_id.hex}-" if trace_id else None


def requested_id(environ: Mapping[str, Any]) -> str | None:
    """Return the caller's own `X-Trace-Id`: up to 128 visible characters; None where there is none."""
    text: str = environ.get("HTTP_X_TRACE_ID", "")
    return text if PRINTABLE.fullmatch(text) else None


def requested_trace(environ: Mapping[str, Any]) -> str:
    """Return the traceparent of a request: the caller's own, or one made of its `X-Trace-Id`, or a new one.

    An `X-Trace-Id` that is no W3C id is hashed into one, so that the same text is found again by it.
    """
    traceparent: str = environ.get("HTTP_TRACEPARENT", "")
    # The format allows a trace id of zeros, and the specification calls it invalid.
    if re.fullmatch(TRACEPARENT, traceparent) and trace_id_of(traceparent) != "0" * 32:
        return traceparent
    text = requested_id(environ)
    return new_trace(text and as_trace_id(text))


def as_trace_id(text: str) -> str:
    """Return 32 hexadecimal digits for an `X-Trace-Id`: its own digits, or those of its hash."""
    return _digits(text) if is_trace_id(text) else hashlib.sha256(text.encode()).hexdigest()[:32]


def is_trace_id(text: str) -> bool:
    """Return whether the text is a W3C trace id, with or without the dashes of a UUID."""
    return bool(re.fullmatch("[0-9a-f]{32}", _digits(text))) and _digits(text) != "0" * 32


def _digits(text: str) -> str:
    return text.lower().replace("-", "")


def bound_id(trace: str) -> AbstractContextManager[None]:
    """Bind the trace's id to the log lines of a `with` block."""
    return structlog.contextvars.bound_contextvars(trace_id=trace_id_of(trace))


@contextmanager
def trace_of_request(environ: Mapping[str, Any]) -> Iterator[str]:
    """Bind the request's trace to the messages and log lines of a `with` block."""
    trace = requested_trace(environ)
    token = _traceparent.set(trace)
    try:
        with bound_id(trace), otel.of_request(environ, trace=trace):
            yield trace
    finally:
        _traceparent.reset(token)


def trace_requests(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware that binds the request's trace and returns its id as `X-Trace-Id`."""

    def traced(request: HttpRequest) -> HttpResponse:
        with trace_of_request(request.META) as trace:
            response = get_response(request)
        given = requested_id(request.META)
        response["X-Trace-Id"] = given if given and not is_trace_id(given) else trace_id_of(trace)
        return response

    return traced
