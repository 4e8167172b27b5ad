"""A sale reaches each of a thousand browsers once, and a slow browser does not delay the others."""

import re
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import requests

from benchmarks.feed import Feed
from benchmarks.load import Crowd
from benchmarks.shop import REQUEST
from stack.processes.environment import choose_all_ports, make_environment
from stack.processes.stack import Stack
from stack.waiting import wait_until
from tests.support.market import Market, Person

LIVE = "listings-live"
BROWSERS = 1_000
SALES = 20
SALES_PER_SECOND = 5  # for longer than the server waits before it queries for missed events
UNSENT_FRAMES = 20  # more than the events below make, which wait for the browsers that read later, too
OTHERS = 20
EVENTS = 1_600
# More than sockets hold by themselves: events that are valid, with numbers of 4,000 digits.
CLOG = f"""
INSERT INTO listings_liveevent (type, order_id, listing_id, payload, created_at)
SELECT 'item_released', id, 1, jsonb_build_object('order_id', id, 'listing_id', 1, 'available', 0, 'quantity',
    repeat('9', 4000)::numeric), now()
FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, {EVENTS})) AS orders RETURNING seq
"""


@pytest.fixture
def strict(market: Market, tmp_path: Path) -> Iterator[Stack]:
    """One more WebSocket server, with a low limit of unsent frames."""
    settings = {"LIVE_PORT": str(choose_all_ports()["LIVE_PORT"]), "LIVE_UNSENT_FRAMES": str(UNSENT_FRAMES)}
    stack = Stack(
        {LIVE: market.stack.commands[LIVE]},
        environment=make_environment(
            market.settings | settings | {"METRICS_FOLDER": str(tmp_path / "metrics")}
        ),
        folder=tmp_path,
    )
    try:
        stack.start_all()
        stack.wait_all_ready()
        yield stack
    finally:
        stack.stop_all()


def requests_to_buy(market: Market, seller: Person, buyer: Person, count: int) -> list[bytes]:
    """Requests that buy one listing."""
    listing_id = seller.sell("Matchbox", quantity=count)
    return [
        REQUEST.format(listing=listing_id, token=buyer.token, key=uuid.uuid4().hex).encode()
        for _ in range(count)
    ]


def watch(stack: Stack, count: int) -> list[Feed]:
    return [Feed(int(stack.environment["LIVE_PORT"])) for _ in range(count)]


def counted(stack: Stack, name: str) -> int:
    """A value among the metrics of the WebSocket server."""
    text = requests.get(f"http://127.0.0.1:{stack.environment['LIVE_PORT']}/metrics", timeout=20).text
    return round(sum(map(float, re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))))


def read_to_the_end(feed: Feed) -> None:
    feed.socket.settimeout(20)
    with suppress(ConnectionError):
        while True:
            feed.receive()


def test_a_sale_reaches_a_thousand_browsers_each_once(market: Market, seller: Person, buyer: Person) -> None:
    feeds = watch(market.stack, BROWSERS)
    with ExitStack() as leaving:
        for feed in feeds:
            leaving.callback(feed.close)
        crowd = Crowd([int(market.settings["LISTINGS_PORT"])], 1, feeds)
        answers = crowd.run(requests_to_buy(market, seller, buyer, SALES), rate=SALES_PER_SECOND)
    orders = sorted(answer.body["id"] for answer in answers)
    assert len(orders) == SALES
    assert [feed for feed in feeds if sorted(feed.sold_orders()) != orders] == []


def test_a_browser_that_does_not_read_is_dropped_and_delays_no_other(
    market: Market, seller: Person, buyer: Person, strict: Stack
) -> None:
    slow, *others = watch(strict, 1 + OTHERS)
    with ExitStack() as leaving:
        for feed in (slow, *others):
            leaving.callback(feed.close)
        market.listings(CLOG)
        pushed = "microstore_websocket_events_pushed_total"
        assert wait_until(
            lambda: counted(strict, pushed) >= EVENTS * len((slow, *others)), timeout_seconds=60
        )
        sold: list[str] = []
        for request in requests_to_buy(market, seller, buyer, 3 * UNSENT_FRAMES):
            # One after the other: each arrives in a frame of its own.
            [answer] = Crowd([int(market.settings["LISTINGS_PORT"])], 1, others).run([request])
            sold.append(answer.body["id"])
        dropped = "microstore_websocket_dropped_total"
        assert wait_until(lambda: counted(strict, dropped) == 1, timeout_seconds=30)
        # The gauge follows the counter, once the connection has ended.
        connections = "microstore_websocket_connections"
        assert wait_until(lambda: counted(strict, connections) == len(others), timeout_seconds=30)
        read_to_the_end(slow)
    assert [feed for feed in others if sorted(feed.sold_orders()) != sorted(sold)] == []
    assert len(slow.sold_orders()) <= UNSENT_FRAMES


def test_a_browser_that_does_not_read_what_it_has_missed_is_dropped_too(
    market: Market, seller: Person, buyer: Person, strict: Stack
) -> None:
    """Others would wait for its turn to end."""
    last = market.listings("SELECT coalesce(max(seq), 0) FROM listings_liveevent")[0][0]
    market.listings(CLOG)
    slow = Feed(int(strict.environment["LIVE_PORT"]), f"/ws/listings/?after={last}")
    [other] = watch(strict, 1)
    with ExitStack() as leaving:
        for feed in (slow, other):
            leaving.callback(feed.close)
        for request in requests_to_buy(market, seller, buyer, 3 * UNSENT_FRAMES):
            Crowd([int(market.settings["LISTINGS_PORT"])], 1, [other]).run([request])
        dropped = "microstore_websocket_dropped_total"
        assert wait_until(lambda: counted(strict, dropped) == 1, timeout_seconds=30)
        connections = "microstore_websocket_connections"
        assert wait_until(lambda: counted(strict, connections) == 1, timeout_seconds=30)
