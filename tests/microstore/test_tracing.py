"""One trace id comes in, is bound while the request is handled, and goes out."""

import re
import sys
from typing import Any
from uuid import UUID

import pytest
import structlog
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from microstore.celery import app
from microstore.contracts.contract import TRACEPARENT
from microstore.messaging.receiving import task_signals
from microstore.telemetry import otel
from microstore.telemetry.tracing import current_trace, new_trace, trace_id_of, trace_requests

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


ALICE, BOB = {"Authorization": "Bearer of-alice"}, {"Authorization": "Bearer of-bob"}
FORMS = (
    "1",
    "my/order:12;a",
    "two words",
    "~" * 128,
    TRACE_ID,
    TRACE_ID.upper(),
    str(UUID(TRACE_ID)),
    "0" * 32,
)


def traced(**headers: str) -> tuple[str, HttpResponse, dict[str, Any]]:
    """The trace seen inside of a request, its response, and what its log lines have."""
    seen: list[str] = []
    bound: dict[str, Any] = {}

    def view(_: HttpRequest) -> HttpResponse:
        seen.append(current_trace())
        bound.update(structlog.contextvars.get_contextvars())
        return HttpResponse()

    response = trace_requests(view)(RequestFactory().get("/", headers=headers))
    assert bound["trace_id"] == trace_id_of(seen[0])
    return seen[0], response, bound


@pytest.mark.parametrize("given", FORMS)
@pytest.mark.parametrize("login", [{}, ALICE])
def test_an_id_of_any_printable_form_is_returned_and_logged_beside_ours(
    given: str, login: dict[str, str]
) -> None:
    seen, response, bound = traced(**{"X-Trace-Id": given}, **login)
    assert response["X-Trace-Id"] == bound["client_trace_id"] == given
    assert response["traceresponse"] == seen
    assert re.fullmatch(TRACEPARENT, seen)
    assert trace_id_of(seen) not in {given, TRACE_ID}


def test_a_traceparent_is_kept_beside_ours() -> None:
    seen, response, bound = traced(traceparent=f"00-{TRACE_ID}-b7ad6b7169203331-01")
    assert response["X-Trace-Id"] == bound["client_trace_id"] == TRACE_ID != trace_id_of(seen)


@pytest.mark.parametrize("given", FORMS)
def test_requests_of_one_login_under_one_id_are_one_trace_and_nobody_else_joins_it(given: str) -> None:
    headers = {"X-Trace-Id": given}
    of_alice = {trace_id_of(traced(**headers, **ALICE)[0]) for _ in range(2)}
    of_bob = {trace_id_of(traced(**headers, **BOB)[0]) for _ in range(2)}
    of_strangers = {trace_id_of(traced(**headers)[0]) for _ in range(2)}
    assert (len(of_alice), len(of_bob), len(of_strangers)) == (1, 1, 2)
    assert len(of_alice | of_bob | of_strangers) == 4


def test_who_knows_our_id_of_a_trace_does_not_join_it() -> None:
    ours = traced(**ALICE)[0]
    for header, value in (("X-Trace-Id", trace_id_of(ours)), ("traceparent", ours)):
        assert trace_id_of(traced(**{header: value}, **BOB)[0]) != trace_id_of(ours)


def test_without_an_id_of_its_own_a_caller_gets_ours() -> None:
    seen, response, bound = traced(**ALICE)
    assert response["X-Trace-Id"] == trace_id_of(seen)
    assert "traceresponse" not in response
    assert bound == {"trace_id": trace_id_of(seen)}


@pytest.mark.parametrize("given", ["", " ", "x" * 129, "a\tb", "ü" * 32, TRACE_ID + "\n"])
def test_an_invalid_id_is_replaced(given: str) -> None:
    seen, response, _ = traced(**{"X-Trace-Id": given, "traceparent": f"00-{given}-b7ad6b7169203331-01"})
    assert response["X-Trace-Id"] == trace_id_of(seen) != given


def test_nothing_stays_bound_after_the_request() -> None:
    seen, _, _ = traced()
    assert structlog.contextvars.get_contextvars() == {}
    assert current_trace() != seen


def test_no_trace_leaks_into_the_next_task() -> None:
    seen: list[dict[str, Any]] = []
    assert callable(task_signals.bind_trace)  # imported, or nothing is connected where this test runs alone

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
