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
MIN_PART = 8  # digits of an id: as many as a person copies, and few enough rows begin with them
PRINTABLE = re.compile("[!-~]([ -~]{0,126}[!-~])?")

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


def _digits(term: str) -> str:
    return term.strip().lower().replace("-", "")


def uuid_of(term: str) -> UUID | None:
    """Return the UUID that the term is, with or without its dashes, or None."""
    digits = _digits(term)
    return UUID(digits) if re.fullmatch("[0-9a-f]{32}", digits) else None


def uuids_of(term: str) -> tuple[UUID, UUID] | None:
    """Return the first and the last UUID that begin with the term, of MIN_PART digits or more, or None."""
    digits = _digits(term)
    if not re.fullmatch(f"[0-9a-f]{{{MIN_PART},32}}", digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


def trace_part(term: str) -> str | None:
    """Return how traceparents begin whose trace id begins with the term; or that of the whole term."""
    return trace_start(term) or (f"00-{_digits(term)}" if uuids_of(term) else None)


def trace_start(term: str) -> str | None:
    """Return how traceparents of this trace begin; the term is a trace id or a traceparent."""
    term = term.strip().lower()
    if found := re.fullmatch("00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}", term):
        return f"00-{found[1]}-"
    trace_id = uuid_of(term)
    return f"00-{trace_id.hex}-" if trace_id else None


def client_id_of(environ: Mapping[str, Any]) -> str | None:
    """Return the caller's own id: its `X-Trace-Id` of up to 128 printable characters, or its trace's."""
    text: str = environ.get("HTTP_X_TRACE_ID", "")
    if PRINTABLE.fullmatch(text):
        return text
    traceparent: str = environ.get("HTTP_TRACEPARENT", "")
    return trace_id_of(traceparent) if re.fullmatch(TRACEPARENT, traceparent) else None


def trace_for(environ: Mapping[str, Any]) -> str:
    """Return the traceparent of a request, always of a trace of our own.

    Requests with the same log-in and the same id of the caller are one trace. Nobody else's are in it.
    """
    client_id, login = client_id_of(environ), environ.get("HTTP_AUTHORIZATION", "")
    # An id alone joins nothing: strangers choose the same ones, and sellers see those of their buyers.
    if not client_id or not login:
        return new_trace()
    return new_trace(hashlib.sha256(f"{login}\n{client_id}".encode()).hexdigest()[:32])


def headers_of(environ: Mapping[str, Any], trace: str) -> dict[str, str]:
    """Return the response's headers: `X-Trace-Id`, and `traceresponse` where that is the caller's own.

    https://www.w3.org/TR/trace-context-2/
    """
    client_id = client_id_of(environ)
    if client_id is None:
        return {"X-Trace-Id": trace_id_of(trace)}
    return {"X-Trace-Id": client_id, "traceresponse": trace}


def bound_id(trace: str) -> AbstractContextManager[None]:
    """Bind the trace's id to the log lines of a `with` block."""
    return structlog.contextvars.bound_contextvars(trace_id=trace_id_of(trace))


@contextmanager
def trace_of_request(environ: Mapping[str, Any]) -> Iterator[str]:
    """Bind the request's trace to messages and log lines of a `with` block, and the caller's id beside it."""
    trace = trace_for(environ)
    client_id = client_id_of(environ)
    kept = {"client_trace_id": client_id} if client_id else {}
    token = _traceparent.set(trace)
    try:
        with (
            structlog.contextvars.bound_contextvars(trace_id=trace_id_of(trace), **kept),
            otel.of_request(environ, trace=trace),
        ):
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
        for name, value in headers_of(request.META, trace).items():
            response.headers[name] = value
        return response

    return traced
