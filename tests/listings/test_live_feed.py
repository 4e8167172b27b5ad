"""What browsers are told of sales, through the real channel layer."""

import asyncio
import json
import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from channels.layers import channel_layers
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.db.models import F
from django.utils.timezone import now
from uuid_utils.compat import uuid7

from listings.live import push
from listings.live.events import OVERLAP_EVENTS, latest_seq, resume_point
from listings.live.push import broadcast
from listings.models import Listing, LiveEvent, Order
from listings.settling.complete import complete_orders
from listings.websockets import hub, order_events
from listings.websockets.consumers import PAGE
from listings.websockets.hub import Hub
from microstore.http.circuit_breaker import CircuitBreaker
from microstore.telemetry.tracing import new_trace
from stack.places import ROOT
from tests.listings.replies import item_sold
from tests.support.breakers import lasting_breaker
from tests.support.browser import Browser, browse, running_loop
from tests.support.ports import closed_port

pytestmark = pytest.mark.django_db(transaction=True)

FEED = "/ws/listings/"


@pytest.fixture
def sell(bob: User, put_on_sale: Callable[..., Listing]) -> Callable[[int], list[LiveEvent]]:
    """Sell so many lamps, in one batch; the events of these sales."""
    lamp = put_on_sale("Reading lamp", quantity=100)

    def sell_lamps(count: int) -> list[LiveEvent]:
        made = [
            Order(
                buyer=bob, listing=lamp, quantity=1, unit_price_cents=5_900, currency="EUR", trace=new_trace()
            )
            for _ in range(count)
        ]
        orders = [order.pk for order in Order.objects.bulk_create(made)]
        complete_orders([item_sold(order) for order in orders])
        return list(LiveEvent.objects.filter(order_id__in=orders).order_by("seq"))

    return sell_lamps


def seen(events: list[LiveEvent]) -> list[dict[str, Any]]:
    """The events as browsers see them: without the buyer's trace id."""
    shown = [{"type": "item_sold", "seq": event.seq, **event.payload} for event in events]
    return [{name: value for name, value in event.items() if name != "trace_id"} for event in shown]


def make_old_events(count: int) -> list[LiveEvent]:
    """Events of an hour each, of which no overlap sends one again."""
    made = make_events(count)
    for hours, event in enumerate(reversed(made), start=1):
        event.created_at = now() - timedelta(hours=hours)
    LiveEvent.objects.bulk_update(made, ["created_at"])
    return made


def make_events(count: int) -> list[LiveEvent]:
    orders = [uuid7() for _ in range(count)]
    shown = {"listing_id": 1, "quantity": 1, "available": 0}
    return LiveEvent.objects.bulk_create(
        LiveEvent(type="item_sold", order_id=each, listing_id=1, payload={"order_id": str(each), **shown})
        for each in orders
    )


def test_a_sale_arrives_in_the_browser(sell: Callable[[int], list[LiveEvent]]) -> None:
    with browse(FEED) as browser:
        (event,) = sell(1)
        order = Order.objects.get()
        assert browser.read() == {
            "type": "item_sold",
            "seq": event.seq,
            "listing_id": order.listing_id,
            "order_id": str(order.pk),
            "quantity": 1,
            "available": 100,
        }


def test_who_missed_too_much_of_the_public_feed_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_events, "RESUMABLE_EVENTS", 2)
    events = make_old_events(5)
    with browse(f"{FEED}?after={events[0].seq - 1}") as browser:
        assert browser.read() == {"type": "reset", "seq": events[-1].seq}


def test_several_sales_arrive_as_one_batch(sell: Callable[[int], list[LiveEvent]]) -> None:
    with browse(FEED) as browser:
        events = sell(3)
        assert browser.read() == {"type": "batch", "events": seen(events)}


def test_every_browser_is_told(sell: Callable[[int], list[LiveEvent]]) -> None:
    with browse(FEED) as first, browse(FEED) as second:
        (event,) = sell(1)
        assert first.read() == second.read() == seen([event])[0]


def test_a_browser_that_comes_back_is_told_what_it_missed(sell: Callable[[int], list[LiveEvent]]) -> None:
    known, missed = make_old_events(3), sell(2)
    with browse(f"{FEED}?after={known[-1].seq}") as browser:
        assert browser.read() == {"type": "batch", "events": seen(missed)}
        new = sell(1)
        assert browser.read() == seen(new)[0]


def test_a_browser_that_missed_nothing_is_told_nothing(sell: Callable[[int], list[LiveEvent]]) -> None:
    known = make_old_events(3)
    with browse(f"{FEED}?after={known[-1].seq}") as browser:
        new = sell(1)
        assert browser.read() == seen(new)[0]


@pytest.mark.parametrize("away", [timedelta(), timedelta(hours=1)])
def test_what_was_stored_shortly_before_the_last_one_is_sent_again(away: timedelta) -> None:
    """Transactions do not commit in the order of their seq."""
    events = make_events(3)
    LiveEvent.objects.update(created_at=F("created_at") - away)
    # Its commit has waited for a standby.
    LiveEvent.objects.filter(pk=events[0].pk).update(created_at=F("created_at") - timedelta(seconds=30))
    with browse(f"{FEED}?after={events[-1].seq}") as browser:
        assert browser.read() == {"type": "batch", "events": seen(events)}


@pytest.mark.parametrize("later", [OVERLAP_EVENTS - 1, OVERLAP_EVENTS])
def test_who_comes_back_gets_what_was_stored_late_unless_the_overlap_was_stored_meanwhile(later: int) -> None:
    """The bound: an overlap of any length ends before a transaction that was open for longer."""
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(
                "INSERT INTO listings_liveevent (type, order_id, listing_id, payload)"
                " VALUES ('item_sold', gen_random_uuid(), 1, '{}') RETURNING seq"
            )
            (late,) = cursor.fetchone()
            make_events(later)
            last = latest_seq()
            cursor.execute("COMMIT")
    finally:
        other.close()
    assert last == late + later
    assert (resume_point(last) < late) == (later < OVERLAP_EVENTS)


def test_a_client_remembers_twice_what_it_may_be_sent_again() -> None:
    """Else it takes all of it for new."""
    source = (ROOT / "clients/typescript/src/feed.ts").read_text(encoding="utf-8")
    (kept,) = re.findall(r"^const OVERLAP = ([\d_]+);", source, re.MULTILINE)
    assert int(kept) >= 2 * OVERLAP_EVENTS


def test_a_last_event_of_the_future_hides_none_before_it() -> None:
    """A database whose clock was ahead has stored it."""
    events = make_events(3)
    LiveEvent.objects.filter(pk=events[-1].pk).update(created_at=F("created_at") + timedelta(minutes=5))
    with browse(f"{FEED}?after={events[-1].seq}") as browser:
        assert browser.read() == {"type": "batch", "events": seen(events)}


def test_an_event_of_a_kind_that_nobody_knows_holds_up_no_other() -> None:
    """As after a newer release that was rolled back."""
    known = make_old_events(3)
    LiveEvent.objects.filter(pk=known[1].pk).update(type="item_painted")
    shown = seen([known[0], known[2]])
    with browse(f"{FEED}?after={known[0].seq - 1}") as browser:
        assert browser.read() == {"type": "batch", "events": shown}
    assert [event["seq"] for event in Hub()._find_missed()] == [event["seq"] for event in shown]


def test_a_browser_that_was_away_for_long_is_told_all_of_it_in_pages() -> None:
    events = make_old_events(2 * PAGE + 1)
    with browse(f"{FEED}?after={events[0].seq - 1}") as browser:
        frames = [browser.read() for _ in range(3)]
    assert [event["seq"] for frame in frames[:2] for event in frame["events"]] == [
        event.seq for event in events[: 2 * PAGE]
    ]
    assert frames[2]["seq"] == events[-1].seq


@pytest.mark.parametrize("known", [0, 2 * PAGE])
def test_a_browser_that_comes_back_in_a_rush_is_told_each_sale_once(
    sell: Callable[[int], list[LiveEvent]], known: int
) -> None:
    """More than a page of events is younger than the overlap."""
    events = make_events(2 * PAGE + 20)
    after = events[known].seq - 1
    with browse(f"{FEED}?after={after}") as browser:
        told = [event["seq"] for event in browser.read_events(len(events) - max(0, known - OVERLAP_EVENTS))]
        assert len(told) == len(set(told))
        assert set(told) >= {event.seq for event in events[known:]}
        (new,) = sell(1)
        assert browser.read()["seq"] == new.seq


@pytest.mark.parametrize(
    "after", ["lamp", "-1", "1.5", "1e3", "%00", "9" * 19, "9" * 5_000, "٣", "%d9%a3", "1%20", "%ff", "+1"]
)
def test_a_seq_that_is_none_closes_the_feed(after: str) -> None:
    with browse(f"{FEED}?after={after}") as browser:
        closed = browser.receive()
        assert (closed["type"], closed["code"]) == ("websocket.close", 4400)


@pytest.mark.parametrize("after", ["0", "9" * 18, "", "0" * 8 + "9" * 9])
def test_a_seq_of_the_future_is_a_seq(
    sell: Callable[[int], list[LiveEvent]], after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first seq of a test is a high one, and may be there before 0 is looked at.
    monkeypatch.setattr(order_events, "RESUMABLE_EVENTS", 10**12)
    with browse(f"{FEED}?after={after}") as browser:
        (event,) = sell(1)
        assert browser.read() == seen([event])[0]


@pytest.mark.parametrize("text", ["hello", "{}", "[]", "null", '{"type": "item_sold"}', "[" * 100_000, ""])
def test_what_a_browser_says_is_not_for_us(sell: Callable[[int], list[LiveEvent]], text: str) -> None:
    with browse(FEED) as browser:
        browser.say(text)
        (event,) = sell(1)
        assert browser.read() == seen([event])[0]


def test_what_a_browser_says_in_bytes_is_not_for_us(sell: Callable[[int], list[LiveEvent]]) -> None:
    with browse(FEED) as browser:
        browser.send({"type": "websocket.receive", "bytes": b"\xff\x00"})
        (event,) = sell(1)
        assert browser.read() == seen([event])[0]


def test_a_sale_in_the_very_moment_of_connecting_arrives() -> None:
    """Once its connection is accepted a browser may believe that it hears everything."""

    def sell_one() -> None:
        broadcast(make_events(1))
        connections.close_all()

    with running_loop() as loop:
        browser = Browser(loop, FEED, when_accepted=sell_one)
        browser.open()
        assert browser.read()["seq"] == LiveEvent.objects.get().seq
        browser.close()


def test_a_sale_told_twice_is_heard_once(
    bob: User, put_on_sale: Callable[..., Listing], sell: Callable[[int], list[LiveEvent]]
) -> None:
    """The first push may have been lost with its worker, so it is made again; who heard it drops it."""
    order = Order.objects.create(
        buyer=bob, listing=put_on_sale(), quantity=1, unit_price_cents=1, currency="EUR", trace=new_trace()
    )
    sale = item_sold(order.pk)
    with browse(FEED) as browser:
        complete_orders([sale])
        complete_orders([sale])
        (other,) = sell(1)
        assert browser.read()["order_id"] == str(order.pk)
        assert browser.read() == seen([other])[0]


def test_what_the_channel_layer_loses_arrives_all_the_same() -> None:
    with browse(FEED) as browser:
        (event,) = make_events(1)
        assert browser.read()["seq"] == event.seq


def test_what_the_channel_layer_loses_of_a_rush_arrives_at_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a page a look, a process fell behind a shop that sells faster, while newer sales were pushed."""
    monkeypatch.setattr(hub, "MISSED_AT_ONCE", 2)
    monkeypatch.setattr(hub, "LOOK_EVERY_SECONDS", 4)  # time enough for five pages on a busy machine
    with browse(FEED) as browser:
        events = make_events(9)
        told = browser.read_events(2)
        began_at = time.monotonic()
        told += browser.read_events(7)
        assert time.monotonic() - began_at < hub.LOOK_EVERY_SECONDS
        assert [event["seq"] for event in told] == [event.seq for event in events]


def test_a_sale_is_completed_though_nobody_can_be_told(
    sell: Callable[[int], list[LiveEvent]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with closed_port() as port, monkeypatch.context() as patch:
        broken = RedisPubSubChannelLayer(hosts=[f"redis://127.0.0.1:{port}/0"])
        patch.setitem(channel_layers.backends, "default", broken)
        patch.setattr(push, "breaker", CircuitBreaker(failures=1))
        (event,) = sell(1)
    assert Order.objects.get().status == "completed"
    assert "push_failed" in capsys.readouterr().err
    with browse(f"{FEED}?after={event.seq - 1}") as browser:
        assert browser.read() == seen([event])[0]


def test_a_frame_is_no_larger_than_clients_take() -> None:
    events = [{"type": "order", "seq": seq, "item": "lamp" * 50_000} for seq in range(4)]
    sent = list(push.frames(events))
    assert [len(push.unpack(json.loads(text))) for text in sent] == [2, 2]
    assert [event for text in sent for event in push.unpack(json.loads(text))] == events
    assert max(map(len, sent)) < 2**20


def test_what_a_browser_missed_comes_in_several_frames_where_it_is_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(push, "MAX_FRAME_BYTES", 300)
    events = make_old_events(5)
    with browse(f"{FEED}?after={events[0].seq - 1}") as browser:
        parts = [push.unpack(browser.read()) for _ in range(3)]
        assert [event for part in parts for event in part] == seen(events)


class SilentLayer:
    """A channel layer whose Redis does not answer."""

    def __init__(self) -> None:
        self.asked = 0

    async def group_send(self, group: str, message: object) -> None:
        self.asked += 1
        await asyncio.Event().wait()


def test_sales_do_not_wait_one_after_the_other_for_a_redis_that_is_silent(
    sell: Callable[[int], list[LiveEvent]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setitem(channel_layers.backends, "default", silent := SilentLayer())
        patch.setattr(push, "breaker", lasting_breaker(failures=1))
        patch.setattr(push, "PUSH_TIMEOUT_SECONDS", 0.01)
        events = [*sell(1), *sell(1), *sell(2)]
        assert silent.asked == 1
        patch.setattr(push, "breaker", CircuitBreaker(failures=1))
        sell(1)
        assert silent.asked == 2
    with browse(f"{FEED}?after={events[0].seq - 1}") as browser:
        assert browser.read()["events"][:4] == seen(events)


def test_an_order_that_is_rolled_back_is_told_to_nobody(
    sell: Callable[[int], list[LiveEvent]],
) -> None:
    with browse(FEED) as browser:
        with transaction.atomic():
            sell(1)
            transaction.set_rollback(True)
        (event,) = sell(1)
        assert browser.read() == seen([event])[0]
