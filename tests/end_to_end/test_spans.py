"""Spans sent to a collector: one trace leads through both services."""

from collections.abc import Iterator
from contextlib import contextmanager

from stack.waiting import wait_until
from tests.support.collector import collecting
from tests.support.market import Market, Person

TRACED = ("listings-api", "listings-relay", "transactions-worker", "listings-worker")


@contextmanager
def restarted_with(market: Market, **variables: str) -> Iterator[None]:
    """Restart the processes of a purchase with these variables, and afterwards without them."""

    def start_again() -> None:
        for name in TRACED:
            market.stack.stop(name)
            market.stack.start(name)
        for name in TRACED:
            market.stack.wait_ready(name)

    environment = market.stack.environment
    market.stack.environment = environment | variables
    start_again()
    try:
        yield
    finally:
        market.stack.environment = environment
        start_again()


def test_one_trace_leads_over_http_and_outbox_through_both_services(
    market: Market, seller: Person, buyer: Person
) -> None:
    listing_id = seller.sell("Crunchy armchair")
    with (
        collecting() as collector,
        restarted_with(market, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, OTEL_BSP_SCHEDULE_DELAY="100"),
    ):
        trace_id = buyer.buy(listing_id).json()["trace_id"]
        expected = {
            ("listings-api", f"POST /api/listings/{listing_id}/buy/"),
            ("listings-relay", "relay"),
            ("transactions-worker", "order_created"),
            ("transactions-worker", "fees"),
            ("listings-worker", "item_sold"),
        }

        def seen() -> set[tuple[str, str]]:
            return {(span.process, span.name) for span in collector.of_trace(trace_id)}

        assert wait_until(lambda: seen() >= expected, timeout_seconds=30), seen()
        [request] = [span for span in collector.of_trace(trace_id) if span.process == "listings-api"]
        assert request.parent_id == ""
        parents = {
            span.parent_id for span in collector.of_trace(trace_id) if span.name in ("relay", "order_created")
        }
        assert parents == {request.span_id}
