"""`/ws/orders/`: buyer and seller hear of their own orders, and nobody else does."""

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import Settings
from rest_framework.test import APIClient

from listings.live.events import latest_seq
from listings.models import Listing, LiveEvent, Order
from listings.settling.cancel import cancel_order
from listings.settling.complete import complete_orders
from listings.settling.release import reject_orders
from listings.websockets import admission, consumers, hub, order_events
from microstore.telemetry.tracing import new_trace
from tests.listings.replies import item_sold, order_rejected
from tests.support.browser import Browser, browse, browse_in, running_loop
from tests.support.tokens import FORGERIES, claims_of, forge, sign

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def place(bob: User, put_on_sale: Callable[..., Listing]) -> Callable[[], Order]:
    """Bob orders one of Alice's lamps."""
    lamp = put_on_sale("Reading lamp", quantity=100, available=50)

    def order_one() -> Order:
        return Order.objects.create(
            buyer=bob, listing=lamp, quantity=1, unit_price_cents=5_900, currency="EUR", trace=new_trace()
        )

    return order_one


def feed_of(user: User, query: str = "", **claims: Any) -> str:
    return f"/ws/orders/?token={sign(claims_of(user.pk, **claims))}{query}"


def test_buyer_and_seller_hear_of_a_sale_what_the_api_shows(
    alice: User, bob: User, api: APIClient, place: Callable[[], Order]
) -> None:
    with browse(feed_of(bob)) as buyer, browse(feed_of(alice)) as seller:
        order = place()
        complete_orders([item_sold(order.pk)])
        said = buyer.read()
        assert seller.read() == said
    shown = api.get(f"/api/orders/{order.pk}/").json()
    assert said == {"type": "order", "seq": LiveEvent.objects.get().seq, **shown}
    assert said["status"] == "completed"


def test_rejected_and_cancelled_orders_are_heard_too(bob: User, place: Callable[[], Order]) -> None:
    with browse(feed_of(bob)) as buyer:
        rejected, cancelled = place(), place()
        reject_orders([order_rejected(rejected.pk, reason="no fee is set for XTS")])
        cancel_order(cancelled.pk, buyer_id=bob.pk)
        said = buyer.read_events(2)
    assert [(each["id"], each["status"]) for each in said] == [
        (str(rejected.pk), "rejected"),
        (str(cancelled.pk), "cancelled"),
    ]
    assert said[0]["reason"] == "no fee is set for XTS"


def test_others_hear_nothing_of_it(
    make_user: Callable[..., User], bob: User, alice: User, place: Callable[[], Order]
) -> None:
    carol = make_user("carol")
    own = Listing.objects.create(
        seller=alice, title="Matchbox", price_cents=1, currency="EUR", quantity=9, available=8
    )
    with browse(feed_of(carol)) as other:
        complete_orders([item_sold(place().pk)])
        hers = Order.objects.create(
            buyer=carol, listing=own, quantity=1, unit_price_cents=1, currency="EUR", trace=new_trace()
        )
        complete_orders([item_sold(hers.pk)])
        assert other.read()["id"] == str(hers.pk)


def test_who_comes_back_hears_of_their_own_what_they_missed(
    bob: User, alice: User, make_user: Callable[..., User], place: Callable[[], Order]
) -> None:
    orders = [place() for _ in range(3)]
    complete_orders([item_sold(order.pk) for order in orders])
    first = LiveEvent.objects.order_by("seq")[0].seq
    with browse(feed_of(bob, f"&after={first - 1}")) as buyer:
        told = buyer.read_events(3)
        assert {each["id"] for each in told} == {str(order.pk) for order in orders}
    with browse(feed_of(make_user("carol"), f"&after={first - 1}")) as other:
        other.say("nothing is for her")
        complete_orders([item_sold(place().pk)])


def test_who_was_away_for_too_long_is_told_to_read_the_orders_again(
    bob: User, place: Callable[[], Order], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_events, "RESUMABLE_EVENTS", 2)
    complete_orders([item_sold(place().pk) for _ in range(3)])
    newest = latest_seq()
    with browse(feed_of(bob, "&after=0")) as buyer:
        assert buyer.read() == {"type": "reset", "seq": newest}


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_token_that_is_none_closes_the_feed(bob: User, kind: str) -> None:
    with browse(f"/ws/orders/?token={forge(kind, bob.pk)}") as browser:
        assert browser.receive()["code"] == 4401


def test_without_a_token_the_feed_is_closed() -> None:
    with browse("/ws/orders/") as browser:
        assert browser.receive()["code"] == 4401


def test_the_feed_ends_with_its_token(bob: User) -> None:
    with browse(feed_of(bob, exp=int(time.time()) + 2)) as browser:
        closed = browser.receive()
        assert (closed["type"], closed["code"]) == ("websocket.close", 4401)


def test_one_connection_too_many_takes_the_place_of_the_oldest(
    bob: User, alice: User, settings: Settings
) -> None:
    settings.LIVE_SOCKETS_PER_USER = 2
    with running_loop() as loop, ExitStack() as opened:
        other, oldest, second, newest = (
            opened.enter_context(browse_in(loop, feed_of(user))) for user in (alice, bob, bob, bob)
        )
        assert oldest.receive()["code"] == 4409
        assert other.is_silent()
        assert newest.is_silent()
        opened.enter_context(browse_in(loop, feed_of(bob)))
        assert second.receive()["code"] == 4409
        assert newest.is_silent()
    assert not admission._slots


def test_who_has_answered_a_heartbeat_and_answers_no_more_is_closed(
    bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "SILENT_AFTER_SECONDS", 0.2)
    with browse(feed_of(bob)) as quiet, browse(feed_of(bob)) as answering:
        answering.say("{}")
        assert answering.receive()["code"] == 4410
        assert quiet.is_silent()
    assert not admission._slots


def test_few_connections_of_one_user_catch_up_at_a_time(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have connected and wait; others are not held up by them."""
    reading, go_on = threading.Semaphore(0), threading.Event()

    async def read_slowly(*_: Any) -> None:
        reading.release()
        assert await asyncio.to_thread(go_on.wait, 10)

    monkeypatch.setattr(consumers.LiveSocket, "resumable", read_slowly)
    with running_loop() as loop, ExitStack() as opened:
        for path in 3 * [feed_of(bob, "&after=0")] + ["/ws/listings/?after=0"]:
            opened.enter_context(browse_in(loop, path))
        for _ in range(admission.CATCH_UPS_OF_ONE + 1):  # and the stranger
            assert reading.acquire(timeout=10)
        assert not reading.acquire(timeout=0.2)
        go_on.set()
        assert reading.acquire(timeout=10)


def test_a_turn_to_catch_up_ends(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its time, or with the connection: who does not read, as a phone without a network, keeps nothing."""

    async def wait(*_: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(consumers.LiveSocket, "resumable", wait)
    with browse(feed_of(bob, "&after=0", exp=int(time.time()) + 2)) as browser:
        assert browser.receive()["code"] == 4401
    monkeypatch.setattr(consumers, "CATCH_UP_SECONDS", 0.1)
    with browse(feed_of(bob, "&after=0")) as browser:
        assert browser.receive()["code"] == 4408
    assert not admission._slots


@pytest.mark.parametrize("feed", ["/ws/listings/?", "/ws/orders/?token={}&"])
@pytest.mark.parametrize("broken", [(hub, "recent_seqs"), (consumers.LiveSocket, "resumable")])
def test_while_the_database_is_away_clients_are_to_come_again_and_keep_no_place(
    bob: User, monkeypatch: pytest.MonkeyPatch, feed: str, broken: tuple[Any, str]
) -> None:
    monkeypatch.setattr(*broken, lambda *_: 1 / 0)
    with browse(feed.format(sign(claims_of(bob.pk))) + "after=0") as browser:
        assert browser.receive()["code"] == 1011
    assert not admission._slots


def test_who_goes_while_they_connect_keeps_no_place() -> None:
    def go() -> None:
        raise ConnectionError

    with running_loop() as loop:
        browser = Browser(loop, "/ws/listings/", when_accepted=go)
        browser.send({"type": "websocket.connect"})
        with pytest.raises(ConnectionError):
            browser.close()
    assert not admission._slots


def test_the_public_feed_is_bounded_by_address(settings: Settings) -> None:
    settings.LIVE_SOCKETS_PER_ADDRESS = 1
    one, other = "192.0.2.1", "192.0.2.2"
    with (
        browse("/ws/listings/", address=one),
        browse("/ws/listings/", address=other),
        browse("/ws/listings/", address=one) as refused,
    ):
        assert refused.receive()["code"] == 4429
    assert not admission._slots


def test_behind_a_proxy_the_address_is_the_one_that_it_has_added(settings: Settings) -> None:
    scope = {"headers": [(b"x-forwarded-for", b"6.6.6.6, 192.0.2.7")], "client": ["10.0.0.1", 1]}
    assert admission.address_of(scope) == "10.0.0.1"
    settings.PROXIES = 1
    assert admission.address_of(scope) == "192.0.2.7"
    scope["headers"] = [(b"x-forwarded-for", b", 192.0.2.7")]  # the client's own header was empty
    assert admission.address_of(scope) == "192.0.2.7"
    scope["headers"] = [(b"x-forwarded-for", b"2001:db8::1")]
    assert admission.address_of(scope) == "2001:db8::/64"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://[", "https://testserver.evil.example"]
)
@pytest.mark.parametrize("feed", ["/ws/listings/", "/ws/orders/"])
def test_a_page_of_another_site_is_refused(feed: str, origin: str) -> None:
    with browse(feed, headers=[(b"origin", origin.encode())]) as browser:
        assert browser.receive()["code"] == 4403


def test_a_page_of_ours_may_come(settings: Settings, bob: User) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://shop.example"]
    settings.ALLOWED_HOSTS = ["testserver", "[2001:db8::7]"]
    for origin in (b"http://testserver:8000", b"http://[2001:db8::7]:8000", b"https://shop.example"):
        with browse(feed_of(bob, "&after=x"), headers=[(b"origin", origin)]) as browser:
            assert browser.receive()["code"] == 4400  # it got as far as its query


@pytest.mark.parametrize("who", ["everybody", "bob"])
def test_a_quiet_feed_has_a_heartbeat_to_resume_from(
    bob: User, place: Callable[[], Order], monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    monkeypatch.setattr(hub, "BEAT_EVERY_SECONDS", 0)
    complete_orders([item_sold(place().pk)])
    with browse("/ws/listings/" if who == "everybody" else feed_of(bob)) as browser:
        assert browser.read() == {"type": "heartbeat", "seq": LiveEvent.objects.get().seq}
