"""Pushing what has happened to the browsers, through Channels. A hint: the truth is in the database."""

import asyncio
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any
from uuid import UUID

import structlog
from channels.layers import get_channel_layer
from django.db import transaction

from listings import metrics, queries
from listings.models import LiveEvent

log = structlog.get_logger(__name__)

LISTINGS_GROUP = "listings"
READERS_GROUP = "readers"
PUSH_TIMEOUT_SECONDS = 1


def push(events: Sequence[LiveEvent]) -> None:
    """Once committed, broadcast the events; clients drop what they have by its seq."""
    if events:
        transaction.on_commit(lambda: broadcast(events))


def push_again(order_ids: Sequence[UUID]) -> None:
    """Broadcast what was said of these orders before."""
    if order_ids:
        broadcast(queries.events_of_orders(order_ids))


def broadcast(events: Sequence[LiveEvent]) -> None:
    """Send the events to all who listen. A failure is logged and goes no further: clients catch up by seq."""
    message = {"type": "live.events", "events": [to_client(event) for event in events]}
    _send_hint(LISTINGS_GROUP, message, about=len(events))


def tell_readers(user_ids: Iterable[int]) -> None:
    """Tell the pages of these people that they have a new notification. A failure goes no further."""
    if readers := sorted(set(user_ids)):
        message = {"type": "live.notification", "readers": readers}
        _send_hint(READERS_GROUP, message, about=len(readers))


async def listen(
    group: str,
    hear: Callable[[dict[str, Any]], None],
    *,
    subscribed: Callable[[], None] = lambda: None,
) -> None:
    """Hear what is sent to the group, for ever. Whatever ails Redis or a message, go on listening."""
    while True:
        try:
            layer = get_channel_layer()
            assert layer is not None
            channel = await layer.new_channel()
            await layer.group_add(group, channel)
            subscribed()
            while True:
                hear(await layer.receive(channel))
        except Exception as error:  # noqa: BLE001  # whatever it is, it is not the last message
            log.warning("channel_layer_lost", group=group, error=repr(error))
            await asyncio.sleep(1)


def to_client(event: LiveEvent) -> dict[str, Any]:
    """Return an event as everybody may see it: a trace id would let others join the buyer's trace."""
    shown = {name: value for name, value in event.payload.items() if name != "trace_id"}
    return {"type": event.type, "seq": event.seq, **shown}


def frame(events: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One WebSocket frame: an event alone, or several as a batch."""
    return events[0] if len(events) == 1 else {"type": "batch", "events": list(events)}


def unpack(said: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of a frame."""
    return list(said["events"]) if said["type"] == "batch" else [said]


def _send_hint(group: str, message: dict[str, Any], *, about: int) -> None:
    try:
        future = asyncio.run_coroutine_threadsafe(_send(group, message), _event_loop())
        future.result(PUSH_TIMEOUT_SECONDS)
    except Exception as error:  # noqa: BLE001  # no failure of the hint may fail the sale
        metrics.PUSHES_FAILED.inc(about)
        log.warning("push_failed", group=group, events=about, error=repr(error))


async def _send(group: str, message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    assert layer is not None
    await layer.group_send(group, message)


@cache
def _event_loop() -> asyncio.AbstractEventLoop:
    """One loop a process, in a thread of its own: `async_to_sync` would open a Redis connection per call."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="live", daemon=True).start()
    return loop
