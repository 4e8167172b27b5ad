"""Spans for an OpenTelemetry collector; without OTEL_EXPORTER_OTLP_ENDPOINT no library is loaded.

They belong to the traces of `microstore.telemetry.tracing`: a `traceparent` names a span's parent.
"""

import os
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any

export: Any = None
if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
    export = import_module("microstore.telemetry.otel_export")

NOTHING: AbstractContextManager[None] = nullcontext()


def of_request(environ: Mapping[str, Any], *, trace: str) -> AbstractContextManager[None]:
    """Return the span of a request, the one of `trace`; one that the caller sent is linked."""
    return export.of_request(environ, trace=trace) if export else NOTHING


def of_messages(name: str, *, kind: str, carriers: Iterable[object]) -> AbstractContextManager[None]:
    """Return spans of work on messages or payloads, one in each trace; `kind` is CONSUMER or PRODUCER."""
    return export.of_messages(name, kind=kind, carriers=carriers) if export else NOTHING
