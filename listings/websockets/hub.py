"""One process's reception of live events: received once, encoded once, handed to every socket.

The channel layer is fast but keeps nothing: a message that Redis drops, or that is sent while it is down, is
lost. So the hub also reads the LiveEvent table every few seconds and sends the events that it has not seen.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterable, Sequence
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import structlog
from channels.db import database_sync_to_async

from listings import metrics
from listings.live.events import events_with_seqs, recent_seqs, seqs_after
from listings.live.frames import Heartbeat, Reset
from listings.live.push import LISTINGS_GROUP, frames, is_public, listen, to_hubs
from listings.websockets.seen import SeenSequence

log = structlog.get_logger(__name__)

LOOK_EVERY_SECONDS = 2
BEAT_EVERY_SECONDS = 25
SUBSCRIBED_WITHIN_SECONDS = 1
MISSED_AT_ONCE = 500


class Socket(Protocol):
    """A receiver of frames, which are JSON texts."""

    def enqueue(self, text: str) -> None:
        """Accept a frame without blocking the event loop."""


class Hub:
    """The sockets of one event loop, and the events that were sent to them."""

    def __init__(self) -> None:
        self._sockets: set[Socket] = set()
        self._order_hubs: set[Socket] = set()
        self._seen = SeenSequence()
        self._tasks: list[asyncio.Task[None]] = []
        self._subscribed = asyncio.Event()
        self._starting = asyncio.Lock()
        self._beat_at = 0.0

    async def join(self, socket: Socket, *, is_order_hub: bool = False) -> None:
        """Send the socket every event from now on; an order hub does not count as a browser."""
        # Two sockets may join at once, and the query below yields to the event loop: without the lock both
        # would start the tasks.
        async with self._starting:
            if not self._tasks:
                self._seen.begin(await database_sync_to_async(recent_seqs)(), now=time.monotonic())
                self._beat_at = time.monotonic() + BEAT_EVERY_SECONDS
                self._subscribed.clear()
                self._tasks = [asyncio.create_task(work) for work in (self._listen(), self._look())]
        self._sockets.add(socket)
        if is_order_hub:
            self._order_hubs.add(socket)
        # With Redis down a socket is accepted all the same: it gets its events from the table.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._subscribed.wait(), SUBSCRIBED_WITHIN_SECONDS)

    async def leave(self, socket: Socket) -> None:
        """Send the socket nothing more; without sockets the hub stops reading."""
        self._sockets.discard(socket)
        self._order_hubs.discard(socket)
        if not self._sockets:
            # Emptied before the first await: a socket that joins meanwhile starts tasks of its own.
            tasks, self._tasks = self._tasks, []
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def deliver(self, events: Iterable[dict[str, Any]]) -> None:
        """Send the events that were not sent before to every socket that may see them."""
        new = [event for event in events if event["seq"] not in self._seen]
        if new:
            self._seen.add((event["seq"] for event in new), now=time.monotonic())
            browsers = self._sockets - self._order_hubs
            public = [event for event in new if is_public(event)]
            self._send(self._order_hubs, new)
            if public:
                self._send(browsers, public)
            metrics.PUSHED.inc(len(public) * len(browsers))

    def _send(self, sockets: set[Socket], events: Sequence[dict[str, Any]]) -> None:
        # Encoded once, however many sockets there are.
        for text in frames(events):
            for socket in list(sockets):
                socket.enqueue(text)

    async def _listen(self) -> None:
        await listen(
            LISTINGS_GROUP,
            self._receive,
            subscribed=self._subscribed.set,
        )

    def _receive(self, message: dict[str, Any]) -> None:
        self.deliver(message["events"])
        if message.get("reset"):
            text = json.dumps(Reset(seq=self._seen.newest).to_client(), separators=(",", ":"))
            for socket in self._sockets - self._order_hubs:
                socket.enqueue(text)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            try:
                await self._deliver_missed()
            except Exception as error:  # noqa: BLE001  # the database comes back; the next look finds it all
                log.warning("live_events_unreadable", error=repr(error))
            # Also without events: by the heartbeat a browser notices a connection that is dead.
            if time.monotonic() >= self._beat_at:
                self._beat_at = time.monotonic() + BEAT_EVERY_SECONDS
                self._send(self._sockets, [Heartbeat(seq=self._seen.newest).to_client()])

    async def _deliver_missed(self) -> None:
        found = MISSED_AT_ONCE
        while found == MISSED_AT_ONCE:
            missed = await database_sync_to_async(self._find_missed)()
            self.deliver(missed)
            found = len(missed)

    def _find_missed(self) -> list[dict[str, Any]]:
        # Seqs first, and rows only for those not seen: mostly there are none.
        # This runs in a thread while the event loop adds to `_seen`. An event that arrives meanwhile may be
        # found here, too; `deliver` drops it.
        missed = [seq for seq in seqs_after(self._seen.complete) if seq not in self._seen]
        return to_hubs(events_with_seqs(missed[:MISSED_AT_ONCE]))


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current_hub() -> Hub:
    """Return the hub of the running event loop; a server process has one."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
