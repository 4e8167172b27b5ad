"""Export of spans by OTLP over HTTP; its libraries are in requirements-otel.txt.

Its variables are the standard ones: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, …
"""

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from django.conf import settings
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from microstore.contracts.contract import TRACEPARENT
from microstore.telemetry.logs import process_name

_given: ContextVar[tuple[int, int] | None] = ContextVar("given", default=None)


class GivenIds(RandomIdGenerator):
    """Id generator that uses the ids of the request's trace, which orders and log lines already have."""

    def generate_trace_id(self) -> int:
        given = _given.get()
        return given[0] if given else super().generate_trace_id()

    def generate_span_id(self) -> int:
        given = _given.get()
        return given[1] if given else super().generate_span_id()


def ids_of(traceparent: str) -> tuple[int, int]:
    """Return the trace id and the span id of a `traceparent`."""
    return int(traceparent[3:35], 16), int(traceparent[36:52], 16)


@cache
def tracer() -> Tracer:
    """Return the tracer of this process."""
    # Made at its first use and not at import: the exporter's thread would not survive the fork of a worker.
    name = f"{settings.SERVICE}-{process_name(sys.argv)}"
    provider = TracerProvider(resource=Resource.create({"service.name": name}), id_generator=GivenIds())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("microstore")


@contextmanager
def of_request(environ: Mapping[str, Any], *, trace: str) -> Iterator[None]:
    """Return the span of a request, the one of `trace`, linked to the caller's own where it sent one."""
    name = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
    callers = environ.get("HTTP_TRACEPARENT", "")
    links = [Link(_remote(callers))] if re.fullmatch(TRACEPARENT, callers) else []
    token = _given.set(ids_of(trace))
    try:
        span = tracer().start_span(name, kind=SpanKind.SERVER, links=links)
    finally:
        _given.reset(token)
    try:
        yield
    finally:
        span.end()


@contextmanager
def of_messages(name: str, *, kind: str, carriers: Iterable[object]) -> Iterator[None]:
    """Return spans of work on messages or payloads, one in each of their traces."""
    traces = {str(one["trace"] if isinstance(one, dict) else getattr(one, "trace", "")) for one in carriers}
    with ExitStack() as stack:
        for trace in traces:
            stack.enter_context(_below(trace, name, SpanKind[kind]))
        yield


@contextmanager
def _below(trace: str, name: str, kind: SpanKind) -> Iterator[None]:
    context = set_span_in_context(NonRecordingSpan(_remote(trace)))
    with tracer().start_as_current_span(name, context=context, kind=kind):
        yield


def _remote(traceparent: str) -> SpanContext:
    flags = TraceFlags(int(traceparent[53:], 16))
    return SpanContext(*ids_of(traceparent), is_remote=True, trace_flags=flags)
