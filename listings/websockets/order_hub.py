"""One process's desk for orders: hears what everybody hears, and tells each user about their own orders.

It also hears who has got a notification, and tells whoever asked to be told. A hint, which may be lost.

A purchase pays nothing for it: whose an order is, and what it is now, is looked up here, once a frame, and
only while somebody listens.
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
from listings.live.push import READERS_GROUP, frame, listen, unpack
from listings.websockets import order_events
from listings.websockets.hub import current_hub

NOTIFICATION = '{"type":"notification"}'

log = structlog.get_logger(__name__)


class OwnSocket(Protocol):
    """Somebody who listens for their own orders."""

    def hear(self, text: str) -> None:
        """Take a frame, without waiting."""

    def drop(self) -> None:
        """Come again, and say what you know: something was lost."""


class OrderHub:
    """The sockets of one event loop, by user."""

    def __init__(self) -> None:
        self._sockets: dict[int, set[OwnSocket]] = defaultdict(set)
        self._readers: set[OwnSocket] = set()
        self._frames: asyncio.Queue[str] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    async def join(self, socket: OwnSocket, user_id: int, *, notifications: bool) -> None:
        """Tell the socket all that happens to the user's orders from now on; of notifications if it wants."""
        self._sockets[user_id].add(socket)
        if notifications:
            self._readers.add(socket)
        if not self._tasks:
            self._tasks = [asyncio.create_task(work) for work in (self._work(), self._listen())]
        await current_hub().join(self, is_desk=True)

    async def leave(self, socket: OwnSocket, user_id: int) -> None:
        """Tell it nothing more."""
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

    def hear(self, text: str) -> None:
        """From the hub."""
        self._frames.put_nowait(text)

    async def _work(self) -> None:
        while True:
            said = json.loads(await self._frames.get())
            if said["type"] == "heartbeat":
                self._hand_on(said, list(self._sockets))
                continue
            try:
                await self._tell(unpack(said))
            except Exception as error:  # noqa: BLE001  # whatever it is, nobody may miss it without knowing
                log.warning("orders_unreadable", error=repr(error))
                for socket in [socket for sockets in self._sockets.values() for socket in sockets]:
                    socket.drop()

    async def _listen(self) -> None:
        await listen(READERS_GROUP, lambda told: self._ring(told["readers"]))

    def _ring(self, users: Sequence[int]) -> None:
        for user_id in users:
            for socket in self._sockets.get(user_id, set()) & self._readers:
                socket.hear(NOTIFICATION)

    async def _tell(self, events: Sequence[dict[str, Any]]) -> None:
        seqs = {event["order_id"]: event["seq"] for event in events}
        told = await database_sync_to_async(order_events.tell_of_orders)(seqs)
        by_user: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for order in told:
            for user_id in {order["buyer_id"], order["seller_id"]} & self._sockets.keys():
                by_user[user_id].append(order)
        for user_id, orders in by_user.items():
            self._hand_on(frame(orders), [user_id])
            metrics.PUSHED.inc(len(orders) * len(self._sockets.get(user_id, ())))

    def _hand_on(self, said: dict[str, Any], users: Sequence[int]) -> None:
        text = json.dumps(said, separators=(",", ":"))
        for socket in [socket for user_id in users for socket in self._sockets.get(user_id, ())]:
            socket.hear(text)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, OrderHub] = WeakKeyDictionary()


def current_order_hub() -> OrderHub:
    """The one of the running event loop; a server process has one."""
    return _hubs.setdefault(asyncio.get_running_loop(), OrderHub())
