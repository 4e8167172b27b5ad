"""The metrics of a real market match what has happened in it."""

from collections import Counter

import pytest
import requests

from stack.processes.environment import PORTS
from stack.waiting import wait_until
from tests.support.market import Market, Person, at_once
from tests.support.samples import read_samples

BUYS = ("microstore_request_seconds_count", "POST", "buy", "202")
COUNTED = [
    ("listings-relay", "microstore_published_messages_total", "order_created"),
    ("transactions-worker", "microstore_handled_messages_total", "order_created"),
    ("listings-worker", "microstore_handled_messages_total", "item_sold"),
    ("listings-worker", "microstore_time_to_truth_seconds_count"),
    ("listings-live", "microstore_websocket_events_pushed_total"),
]
Numbers = dict[tuple[str, ...], float]


def numbers_of(market: Market, process: str) -> Numbers:
    """The samples of a process, by name and labels."""
    own = f"{process.upper().replace('-', '_')}_METRICS_PORT"
    ports = {"listings-api": "LISTINGS_PORT", "listings-live": "LIVE_PORT"}
    port = market.settings[own if own in PORTS else ports[process]]
    return read_samples(requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text)


def test_purchases_are_counted_once_by_whichever_child_did_the_work(market: Market, seller: Person) -> None:
    processes = ("listings-api", "listings-live", "listings-relay", "listings-worker", "transactions-worker")
    assert wait_until(market.is_quiet, timeout_seconds=60)  # orders of the test before would be counted, too
    before = {process: numbers_of(market, process) for process in processes}
    listing_id = seller.sell("Matchbox", quantity=100)
    with market.feed() as feed:
        buyers = market.add_people(60)
        orders = [buy.json()["id"] for buy in at_once(buyers, lambda buyer: buyer.buy(listing_id), clients=8)]
        assert market.wait_settled(orders) == {"completed": 60}
        assert wait_until(lambda: len(feed.sold_orders()) >= 60, timeout_seconds=30)
        # Browsers of the test before may still be counted for a moment.
        assert wait_until(
            lambda: numbers_of(market, "listings-live")["microstore_websocket_connections",] == 1,
            timeout_seconds=30,
        )

    def more(process: str, *sample: str) -> float:
        return numbers_of(market, process).get(sample, 0) - before[process].get(sample, 0)

    # Two workers of the web server answer in turn, each with the sum of both.
    assert Counter(more("listings-api", *BUYS) for _ in range(10)) == {60: 10}
    assert more("transactions-worker", "microstore_fee_call_seconds_count", "answered") >= 1
    # A process counts after its work, when the sale may have been seen already; then all stay at 60.
    assert wait_until(lambda: all(more(*each) >= 60 for each in COUNTED), timeout_seconds=30)
    assert {each: more(*each) for each in COUNTED} == dict.fromkeys(COUNTED, 60)


@pytest.mark.parametrize(
    "process", ["listings-worker", "listings-relay", "transactions-worker", "transactions-relay"]
)
def test_a_process_that_works_has_a_heartbeat(market: Market, process: str) -> None:
    def beats() -> float:
        return numbers_of(market, process).get(("microstore_heartbeat_timestamp_seconds",), 0)

    first = beats()
    assert wait_until(lambda: beats() > first, timeout_seconds=30)
