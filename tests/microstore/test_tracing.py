"""One trace id comes in, is bound while the request is handled, and goes out."""

import sys
from typing import Any

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from microstore.celery import app
from microstore.telemetry import otel
from microstore.telemetry.tracing import current_trace, new_trace, trace_id_of, trace_requests

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


def traced(**headers: str) -> tuple[str, HttpResponse]:
    """The trace seen inside of a request, and its response."""
    seen: list[str] = []

    def view(_: HttpRequest) -> HttpResponse:
        seen.append(current_trace())
        assert structlog.contextvars.get_contextvars() == {"trace_id": trace_id_of(seen[0])}
        return HttpResponse()

    response = trace_requests(view)(RequestFactory().get("/", headers=headers))
    return seen[0], response


def test_a_traceparent_is_kept_as_it_is() -> None:
    traceparent = f"00-{TRACE_ID}-b7ad6b7169203331-01"
    seen, response = traced(traceparent=traceparent)
    assert seen == traceparent
    assert response["X-Trace-Id"] == TRACE_ID


@pytest.mark.parametrize("given", [TRACE_ID, TRACE_ID.upper(), "0af76519-16cd-43dd-8448-eb211c80319c"])
def test_a_trace_id_alone_is_accepted(given: str) -> None:
    seen, response = traced(**{"X-Trace-Id": given})
    assert trace_id_of(seen) == response["X-Trace-Id"] == TRACE_ID


@pytest.mark.parametrize("given", ["", "0" * 32, "<script>", TRACE_ID + "00", "zz" * 16, TRACE_ID + "\n"])
def test_an_invalid_id_is_replaced(given: str) -> None:
    seen, _ = traced(**{"X-Trace-Id": given, "traceparent": f"00-{given}-b7ad6b7169203331-01"})
    assert len(trace_id_of(seen)) == 32
    assert trace_id_of(seen) not in ("0" * 32, TRACE_ID)


def test_nothing_stays_bound_after_the_request() -> None:
    seen, _ = traced()
    assert structlog.contextvars.get_contextvars() == {}
    assert current_trace() != seen


def test_no_trace_leaks_into_the_next_task() -> None:
    seen: list[dict[str, Any]] = []

    @app.task(name="tests.look", shared=False)
    def look(events: list[dict[str, str]]) -> None:
        seen.append(structlog.contextvars.get_contextvars())

    armchair, matchbox = {"trace": new_trace(TRACE_ID)}, {"trace": new_trace()}
    try:
        for events in ([armchair], [armchair, matchbox], [matchbox], []):
            look.apply(args=(events,)).get()
            assert structlog.contextvars.get_contextvars() == {}
    finally:
        app.tasks.pop("tests.look")
    assert seen == [{"trace_id": TRACE_ID}, {}, {"trace_id": trace_id_of(matchbox["trace"])}, {}]


def test_without_a_collector_no_span_is_made_and_nothing_for_it_is_loaded() -> None:
    assert "microstore.telemetry.otel_export" not in sys.modules
    assert otel.of_messages("item_sold", kind="CONSUMER", carriers=[]) is otel.NOTHING
