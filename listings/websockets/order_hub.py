"""One process's reception of orders: sends every user the events of their own orders.

It also sends a hint, which may be lost, to users who have got a notification, where their page wants it.

A purchase costs nothing for it: the parties and the present state of an order are read here, once a frame,
and only while a user is connected.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import structlog
from channels.db import database_sync_to_async

from listings import metrics
from listings.live.frames import NotificationHint
from listings.live.push import READERS_GROUP, frames, listen, unpack
from listings.websockets import order_events
from listings.websockets.hub import current_hub
from microstore.contracts.listings import CHECKOUT_SETTLED

NOTIFICATION = NotificationHint().model_dump_json()

log = structlog.get_logger(__name__)


class UserSocket(Protocol):
    """A connection of a user who receives their own orders."""

    def enqueue(self, text: str) -> None:
        """Accept a frame without blocking the event loop."""

    def drop(self) -> None:
        """Close the connection because an event was lost; the client resumes by seq."""


class OrderHub:
    """The sockets of one event loop, by user."""

    def __init__(self) -> None:
        self._sockets: dict[int, set[UserSocket]] = defaultdict(set)
        self._readers: set[UserSocket] = set()
        self._frames: asyncio.Queue[str] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    async def join(self, socket: UserSocket, user_id: int, *, notifications: bool) -> None:
        """Send the socket events of the user's orders from now on, and hints of notifications if wanted."""
        # Registered before the first await, so that no event is lost between it and the subscription.
        self._sockets[user_id].add(socket)
        if notifications:
            self._readers.add(socket)
        if not self._tasks:
            self._tasks = [asyncio.create_task(work) for work in (self._work(), self._listen())]
        await current_hub().join(self, is_order_hub=True)

    async def leave(self, socket: UserSocket, user_id: int) -> None:
        """Send the socket nothing more; without sockets the hub stops reading."""
        self._sockets[user_id].discard(socket)
        self._readers.discard(socket)
        if not self._sockets[user_id]:
            del self._sockets[user_id]
        if not self._sockets and self._tasks:
            tasks, self._tasks = self._tasks, []
            for task in tasks:
                task.cancel()
            self._frames = asyncio.Queue()
            await current_hub().leave(self)

    def enqueue(self, text: str) -> None:
        """Accept a frame of the public feed."""
        # Queued, since the hub may not wait for this one's queries: they would hold up the public feed.
        self._frames.put_nowait(text)

    async def _work(self) -> None:
        while True:
            content = json.loads(await self._frames.get())
            if content["type"] == "heartbeat":
                self._send_to(list(self._sockets), [content])
                continue
            try:
                await self._deliver(unpack(content))
            except Exception as error:  # noqa: BLE001  # whatever it is, no client may miss events unnoticed
                log.warning("orders_unreadable", error=repr(error))
                # The hub has counted these events as sent and does not repeat them. Closed sockets come
                # again with ?after= and read them from the table.
                for socket in [socket for sockets in self._sockets.values() for socket in sockets]:
                    socket.drop()

    async def _listen(self) -> None:
        await listen(READERS_GROUP, lambda message: self._send_hints(message["readers"]))

    def _send_hints(self, users: Sequence[int]) -> None:
        for user_id in users:
            for socket in self._sockets.get(user_id, set()) & self._readers:
                socket.enqueue(NOTIFICATION)

    async def _deliver(self, events: Sequence[dict[str, Any]]) -> None:
        found = await database_sync_to_async(_read)(events)
        by_user: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for event in found:
            # A checkout is its buyer's alone.
            for user_id in {event["buyer_id"], event.get("seller_id")} & self._sockets.keys():
                by_user[user_id].append(event)
        for user_id, own in by_user.items():
            self._send_to([user_id], own)
            metrics.PUSHED.inc(len(own) * len(self._sockets.get(user_id, ())))

    def _send_to(self, users: Sequence[int], events: Sequence[dict[str, Any]]) -> None:
        for text in frames(events):
            for socket in [socket for user_id in users for socket in self._sockets.get(user_id, ())]:
                socket.enqueue(text)


def _read(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    orders = {event["order_id"]: event["seq"] for event in events if event["type"] != CHECKOUT_SETTLED.name}
    checkouts = {
        event["checkout_id"]: event["seq"] for event in events if event["type"] == CHECKOUT_SETTLED.name
    }
    found = order_events.read_orders(orders) + order_events.read_checkouts(checkouts)
    return sorted(found, key=lambda event: event["seq"])


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, OrderHub] = WeakKeyDictionary()


def current_order_hub() -> OrderHub:
    """Return the order hub of the running event loop; a server process has one."""
    return _hubs.setdefault(asyncio.get_running_loop(), OrderHub())
