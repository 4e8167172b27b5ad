"""Pushing events to browsers through Channels. Best effort: the events are stored in the database."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from channels.layers import get_channel_layer
from django.db import transaction
from pydantic import ValidationError

from listings import metrics
from listings.live.events import events_of_orders
from listings.live.frames import Frame, ItemEvent, OrderHint
from listings.models import LiveEvent
from microstore.http.circuit_breaker import CircuitBreaker, CircuitOpen

log = structlog.get_logger(__name__)

LISTINGS_GROUP = "listings"
READERS_GROUP = "readers"
# Clients know one type for stock that is available again. The table tells the causes apart.
SENT_AS = {"item_returned": "item_released"}
HINTS = ("order_refunded", "checkout_settled")  # for the parties of an order alone
MAX_FRAME_BYTES = 500_000  # many clients take a frame of 1 MiB at most; JSON's text is ASCII
PUSH_TIMEOUT_SECONDS = 1  # a worker waits no longer than this for Redis
# Where Redis is silent each push took all of that second, so that a worker settled two batches a second.
breaker = CircuitBreaker(failures=1)


def push(events: Sequence[LiveEvent]) -> None:
    """Broadcast the events after the commit of the current transaction."""
    if events:
        # Not before: a browser that reads the order at once would find it as it was.
        transaction.on_commit(lambda: broadcast(events))


def push_again(order_ids: Sequence[UUID]) -> None:
    """Broadcast the stored events of these orders again; clients drop those that they have by the seq."""
    # The worker that committed these events may have died before it pushed them.
    if order_ids:
        broadcast(events_of_orders(order_ids))


def broadcast(events: Sequence[LiveEvent]) -> None:
    """Send the events to every WebSocket process; a failure is logged only, since clients catch up by seq."""
    message = {"type": "live.events", "events": to_hubs(events)}
    _send_hint(LISTINGS_GROUP, message, about=len(events))


def push_reset() -> None:
    """Have every open page look again what is on sale; a failure is logged only: pages look now and then."""
    # A release that does not know `reset` finds no events in it.
    _send_hint(LISTINGS_GROUP, {"type": "live.events", "events": [], "reset": True}, about=1)


def push_notification_hints(user_ids: Iterable[int]) -> None:
    """Send the pages of these users a hint that they have a new notification; a failure is logged only."""
    if readers := sorted(set(user_ids)):
        message = {"type": "live.notification", "readers": readers}
        _send_hint(READERS_GROUP, message, about=len(readers))


async def listen(
    group: str,
    on_message: Callable[[dict[str, Any]], None],
    *,
    subscribed: Callable[[], None] = lambda: None,
) -> None:
    """Call `on_message` with each message of the group, forever, and `subscribed` after each subscription."""
    # No exception ends it: neither an outage of Redis nor a message that cannot be read.
    while True:
        try:
            layer = get_channel_layer()
            assert layer is not None
            channel = await layer.new_channel()
            await layer.group_add(group, channel)
            subscribed()
            while True:
                on_message(await layer.receive(channel))
        except Exception as error:  # noqa: BLE001  # whatever it is, it is not the last message
            log.warning("channel_layer_lost", group=group, error=repr(error))
            await asyncio.sleep(1)


def to_clients(events: Iterable[LiveEvent]) -> list[dict[str, Any]]:
    """Return the events that everybody may see."""
    return [event for event in to_hubs(events) if is_public(event)]


def is_public(event: dict[str, Any]) -> bool:
    """Return whether everybody may see an event of `to_hubs`."""
    return event["type"] not in HINTS


def to_hubs(events: Iterable[LiveEvent]) -> list[dict[str, Any]]:
    """Return the events, with hints for order hubs among them, without those of a kind not known here."""
    shown = []
    for event in events:
        kind = SENT_AS.get(event.type, event.type)
        of: type[Frame] = OrderHint if kind in HINTS else ItemEvent
        try:
            shown.append(of(**event.payload | {"type": kind, "seq": event.seq}).to_client())
        except ValidationError:
            # Of a newer release that was rolled back. It must not hold up the others, which are read with it.
            log.warning("live_event_unknown", seq=event.seq, type=event.type)
    return shown


def frames(events: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the JSON texts of WebSocket frames with these events: an event alone, or several as a batch."""
    texts: list[str] = []
    size = 0
    for event in events:
        text = json.dumps(event, separators=(",", ":"))
        if texts and size + len(text) > MAX_FRAME_BYTES:
            yield _batch(texts)
            texts, size = [], 0
        texts.append(text)
        size += len(text) + 1
    if texts:
        yield _batch(texts)


def unpack(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the events of a frame."""
    return list(content["events"]) if content["type"] == "batch" else [content]


def _batch(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f'{{"type":"batch","events":[{",".join(texts)}]}}'


def _send_hint(group: str, message: dict[str, Any], *, about: int) -> None:
    try:
        with breaker.guard(Exception):
            future = asyncio.run_coroutine_threadsafe(_send(group, message), _event_loop())
            try:
                future.result(PUSH_TIMEOUT_SECONDS)
            finally:
                future.cancel()  # one that has not ended; they would pile up
    except CircuitOpen:
        metrics.PUSHES_FAILED.inc(about)
    except Exception as error:  # noqa: BLE001  # no failure of the hint may fail the sale
        metrics.PUSHES_FAILED.inc(about)
        log.warning("push_failed", group=group, events=about, error=repr(error))


async def _send(group: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    assert layer is not None
    await layer.group_send(group, message)


@cache
def _event_loop() -> asyncio.AbstractEventLoop:
    # One loop a process, in a thread of its own: `async_to_sync` would open a Redis connection per call.
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="live", daemon=True).start()
    return loop
