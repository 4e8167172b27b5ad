"""One process's ear for live events: heard once, encoded once, handed to every socket.

The channel layer is quick but forgets: what Redis drops, or what is sent while it is down, is gone. So the
hub also looks into the LiveEvent table every few seconds and hands on what it has not heard.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import structlog
from channels.db import database_sync_to_async

from listings import metrics, queries
from listings.live.push import LISTINGS_GROUP, frame, listen, to_client
from listings.websockets.seen import Heard

log = structlog.get_logger(__name__)

LOOK_EVERY_SECONDS = 2
BEAT_EVERY_SECONDS = 25
SUBSCRIBED_WITHIN_SECONDS = 1
MISSED_AT_ONCE = 500


class Socket(Protocol):
    """Somebody who listens."""

    def hear(self, text: str) -> None:
        """Take a frame, without waiting."""


class Hub:
    """The sockets of one event loop, and what they have been told."""

    def __init__(self) -> None:
        self._sockets: set[Socket] = set()
        self._desks: set[Socket] = set()
        self._heard = Heard()
        self._tasks: list[asyncio.Task[None]] = []
        self._subscribed = asyncio.Event()
        self._waking = asyncio.Lock()
        self._beat_at = 0.0

    async def join(self, socket: Socket, *, is_desk: bool = False) -> None:
        """Tell the socket everything that happens from now on. A desk is no browser, but has some."""
        async with self._waking:
            if not self._tasks:
                self._heard.begin(await database_sync_to_async(queries.recent_seqs)(), now=time.monotonic())
                self._beat_at = time.monotonic() + BEAT_EVERY_SECONDS
                self._subscribed.clear()
                self._tasks = [asyncio.create_task(work) for work in (self._listen(), self._look())]
        self._sockets.add(socket)
        if is_desk:
            self._desks.add(socket)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._subscribed.wait(), SUBSCRIBED_WITHIN_SECONDS)

    async def leave(self, socket: Socket) -> None:
        """Tell it nothing more; with the last one the hub goes to sleep."""
        self._sockets.discard(socket)
        self._desks.discard(socket)
        if not self._sockets:
            tasks, self._tasks = self._tasks, []
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def tell(self, events: Iterable[dict[str, Any]]) -> None:
        """Hand on the events that have not been heard yet."""
        new = [event for event in events if event["seq"] not in self._heard]
        if new:
            self._heard.add((event["seq"] for event in new), now=time.monotonic())
            self._hand_on(frame(new))
            metrics.PUSHED.inc(len(new) * (len(self._sockets) - len(self._desks)))

    def _hand_on(self, said: dict[str, Any]) -> None:
        """Encoded once, however many listen. A socket that is too slow leaves meanwhile."""
        text = json.dumps(said, separators=(",", ":"))
        for socket in list(self._sockets):
            socket.hear(text)

    async def _listen(self) -> None:
        """The quick way: through the channel layer."""
        await listen(LISTINGS_GROUP, lambda said: self.tell(said["events"]), subscribed=self._subscribed.set)

    async def _look(self) -> None:
        """The sure way: what is in the table and was not heard. Now and then a heartbeat, also in quiet."""
        while True:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            try:
                self.tell(await database_sync_to_async(self._find_missed)())
            except Exception as error:  # noqa: BLE001  # the database comes back; the next look finds it all
                log.warning("live_events_unreadable", error=repr(error))
            if time.monotonic() >= self._beat_at:
                self._beat_at = time.monotonic() + BEAT_EVERY_SECONDS
                self._hand_on({"type": "heartbeat", "seq": self._heard.newest})

    def _find_missed(self) -> list[dict[str, Any]]:
        """Only what is newer than the oldest gap is asked for: nothing else can be missing."""
        seqs = queries.seqs_after(self._heard.complete)
        missed = [seq for seq in seqs if seq not in self._heard]
        return [to_client(event) for event in queries.events_with_seqs(missed[:MISSED_AT_ONCE])]


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def current_hub() -> Hub:
    """The hub of the running event loop; a server process has one."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())
