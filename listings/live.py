"""Pushing what has happened to the browsers, through Channels. A hint: the truth is the LiveEvent table."""

import asyncio
import threading
from collections.abc import Sequence
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
    try:
        future = asyncio.run_coroutine_threadsafe(_send(message), _event_loop())
        future.result(PUSH_TIMEOUT_SECONDS)
    except Exception as error:  # noqa: BLE001  # no failure of the hint may fail the sale
        metrics.PUSHES_FAILED.inc(len(events))
        log.warning("push_failed", events=len(events), error=repr(error))


def to_client(event: LiveEvent) -> dict[str, Any]:
    """An event as clients see it."""
    return {"type": event.type, "seq": event.seq, **event.payload}


def frame(events: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One WebSocket frame: an event alone, or several as a batch."""
    return events[0] if len(events) == 1 else {"type": "batch", "events": list(events)}


def unpack(said: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of a frame."""
    return list(said["events"]) if said["type"] == "batch" else [said]


async def _send(message: dict[str, Any]) -> None:
    layer = get_channel_layer()
    assert layer is not None
    await layer.group_send(LISTINGS_GROUP, message)


@cache
def _event_loop() -> asyncio.AbstractEventLoop:
    """One loop a process, in a thread of its own: `async_to_sync` would open a Redis connection per call."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="live", daemon=True).start()
    return loop
