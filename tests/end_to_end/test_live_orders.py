"""`/ws/orders/` on the real server: people receive events of their own orders alone, missed ones too."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from stack.waiting import wait_until
from tests.support.market import Feed, Market, Person

BAD_TOKEN = 4401
FEEDS_OF_A_USER = 10  # at once


@contextmanager
def orders_feed(market: Market, token: str, query: str = "") -> Iterator[Feed]:
    """Listen with this token."""
    with connect(f"{market.live_url}/ws/orders/?token={token}{query}", open_timeout=20) as connection:
        connection.ping().wait(20)
        yield Feed(connection)


def orders_in(feed: Feed) -> list[tuple[str, str]]:
    """The order id and status of each event."""
    return [(event["id"], event["status"]) for event in feed.events if event["type"] == "order"]


def close_code(market: Market, token: str) -> int:
    """The code with which the server closes the connection."""
    with (
        connect(f"{market.live_url}/ws/orders/?token={token}", open_timeout=20) as connection,
        pytest.raises(ConnectionClosed) as closed,
    ):
        connection.recv(timeout=20)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def test_an_order_is_pending_when_it_is_accepted_and_its_people_alone_receive_that_it_is_completed(
    market: Market, seller: Person, buyer: Person
) -> None:
    stranger = market.add_people(1)[0]
    listing_id = seller.sell("Crunchy armchair")
    with ExitStack() as feeds:
        buying, selling, strange = (
            feeds.enter_context(orders_feed(market, person.token)) for person in (buyer, seller, stranger)
        )
        accepted = buyer.buy(listing_id).json()
        assert accepted["status"] == "pending"
        completed = [(accepted["id"], "completed")]
        assert wait_until(lambda: orders_in(buying) == orders_in(selling) == completed, timeout_seconds=30)
        own = stranger.buy(seller.sell("Reading lamp")).json()["id"]
        # Events are in order: any event that was not meant for them would have come before this one.
        assert wait_until(lambda: orders_in(strange) == [(own, "completed")], timeout_seconds=30)
        assert orders_in(buying) == completed
    shown = buyer.request("GET", accepted["status_url"]).json()
    [event] = [event for event in buying.events if event["type"] == "order"]
    assert event == {"type": "order", "seq": event["seq"], **shown}


def test_a_feed_that_was_cut_off_by_a_restart_receives_what_it_missed(
    market: Market, seller: Person, buyer: Person
) -> None:
    listing_id = seller.sell("Letters from a lighthouse", quantity=5)
    with orders_feed(market, buyer.token) as feed:
        seen = buyer.buy(listing_id).json()["id"]
        assert wait_until(lambda: orders_in(feed) == [(seen, "completed")], timeout_seconds=30)
        market.stack.stop("listings-live")
        missed = [buyer.buy(listing_id).json()["id"] for _ in range(3)]
        market.stack.start("listings-live")
        market.wait_settled(missed)
        market.stack.wait_ready("listings-live")
    last_seq = max(event["seq"] for event in feed.events)
    with orders_feed(market, buyer.token, f"&after={last_seq}") as resumed:
        assert wait_until(lambda: set(missed) <= dict(orders_in(resumed)).keys(), timeout_seconds=30)
        next_one = buyer.buy(listing_id).json()["id"]
        assert wait_until(lambda: (next_one, "completed") in orders_in(resumed), timeout_seconds=30)
    latest = dict(orders_in(resumed))
    assert latest == dict.fromkeys([*missed, next_one], "completed") | (
        {seen: "completed"} if seen in latest else {}  # the overlap of a resumed feed
    )


def test_a_token_that_is_none_or_is_over_opens_no_feed(market: Market, buyer: Person) -> None:
    expired = market.token_for(buyer.id, exp=int(time.time()) - 60)
    refresh = market.token_for(buyer.id, token_type="refresh")
    forged = buyer.token[:-8] + "A" * 8
    for token in ("", "made-up", expired, refresh, forged):
        assert close_code(market, token) == BAD_TOKEN


def test_one_feed_too_many_takes_the_place_of_the_oldest(market: Market, buyer: Person) -> None:
    with ExitStack() as feeds:
        opened = [feeds.enter_context(orders_feed(market, buyer.token)) for _ in range(FEEDS_OF_A_USER + 1)]
        order = buyer.buy(market.add_people(1)[0].sell("Half a chess set")).json()["id"]
        assert wait_until(
            lambda: all(orders_in(feed) == [(order, "completed")] for feed in opened[1:]), timeout_seconds=30
        )
        assert orders_in(opened[0]) == []
