"""Sending spans by OTLP over HTTP. What it needs is in requirements-otel.txt, and loaded where it is wanted.

The standard variables hold: OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER, …
"""

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
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from microstore.telemetry.logs import process_name

_given: ContextVar[tuple[int, int] | None] = ContextVar("given", default=None)


class GivenIds(RandomIdGenerator):
    """Ids that the service has chosen already: orders and log lines name them."""

    def generate_trace_id(self) -> int:
        """That of the request's trace."""
        given = _given.get()
        return given[0] if given else super().generate_trace_id()

    def generate_span_id(self) -> int:
        """That of the request."""
        given = _given.get()
        return given[1] if given else super().generate_span_id()


def ids_of(traceparent: str) -> tuple[int, int]:
    """Of the trace and of the span."""
    return int(traceparent[3:35], 16), int(traceparent[36:52], 16)


@cache
def tracer() -> Tracer:
    """One a process, made when it is first needed: the children of a worker have their own."""
    name = f"{settings.SERVICE}-{process_name(sys.argv)}"
    provider = TracerProvider(resource=Resource.create({"service.name": name}), id_generator=GivenIds())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("microstore")


@contextmanager
def of_request(environ: Mapping[str, Any], *, trace: str) -> Iterator[None]:
    """The span of a request: the one that `trace` names, or one below it where the caller has named it."""
    name = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"
    if trace == environ.get("HTTP_TRACEPARENT"):
        with _below(trace, name, SpanKind.SERVER):
            yield
        return
    token = _given.set(ids_of(trace))
    try:
        span = tracer().start_span(name, kind=SpanKind.SERVER)
    finally:
        _given.reset(token)
    try:
        yield
    finally:
        span.end()


@contextmanager
def of_messages(name: str, *, kind: str, carriers: Iterable[object]) -> Iterator[None]:
    """Work on messages, or their payloads: a span in each of their traces."""
    traces = {str(one["trace"] if isinstance(one, dict) else getattr(one, "trace", "")) for one in carriers}
    with ExitStack() as stack:
        for trace in traces:
            stack.enter_context(_below(trace, name, SpanKind[kind]))
        yield


@contextmanager
def _below(trace: str, name: str, kind: SpanKind) -> Iterator[None]:
    """A span whose parent is the one that the `traceparent` names; errors are noted in it."""
    flags = TraceFlags(int(trace[53:], 16))
    parent = SpanContext(*ids_of(trace), is_remote=True, trace_flags=flags)
    context = set_span_in_context(NonRecordingSpan(parent))
    with tracer().start_as_current_span(name, context=context, kind=kind):
        yield
