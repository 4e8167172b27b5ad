"""Spans for an OpenTelemetry collector, where OTEL_EXPORTER_OTLP_ENDPOINT names one; else nothing is loaded.

They are added to the traces that are there anyway: a span's parent is the one that a `traceparent` names.
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
    """The span of a request: the one that `trace` names, or one below it where the caller has named it."""
    return export.of_request(environ, trace=trace) if export else NOTHING


def of_messages(name: str, *, kind: str, carriers: Iterable[object]) -> AbstractContextManager[None]:
    """Work on messages, or their payloads: a span in each of their traces. `kind` is CONSUMER or PRODUCER."""
    return export.of_messages(name, kind=kind, carriers=carriers) if export else NOTHING
