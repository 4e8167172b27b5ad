"""WebSockets: `/ws/listings/` tells everybody what is sold, `/ws/orders/` each user of their own orders."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from listings import metrics, queries
from listings.live.push import frame, to_client
from listings.websockets import order_events
from listings.websockets.admission import (
    BAD_TOKEN,
    TOO_SLOW,
    Bearer,
    NoSeat,
    address_of,
    check_origin,
    give_back,
    read_after,
    read_token,
    take_seat,
)
from listings.websockets.hub import current_hub
from listings.websockets.order_hub import current_order_hub

PAGE = 500
CATCH_UPS = 20  # of the public feed at once in one process: each reads the database, and anybody may come
CLOSED_WITHIN_SECONDS = 5  # who does not read may not read this either
Receive = Callable[[], Awaitable[Any]]


class Goodbye(NamedTuple):
    """Why the connection is given up."""

    code: int
    reason: str


class LiveSocket(AsyncWebsocketConsumer):
    """What both have in common. `?after=SEQ` first sends what was missed."""

    channel_layer_alias = "none"  # the hub listens for all sockets of the process
    seat: str | None = None
    joined = dropped = False

    async def __call__(self, scope: Any, receive: Receive, send: Any) -> None:
        """As ever, until this end gives the connection up."""
        self.given_up: asyncio.Future[Goodbye] = asyncio.get_running_loop().create_future()
        await super().__call__(scope, lambda: self._hear_or_give_up(receive), send)

    async def connect(self) -> None:
        """Join before anything else, so that nothing falls between it and what was missed."""
        self.unsent: asyncio.Queue[str] = asyncio.Queue(settings.LIVE_UNSENT_FRAMES)
        self.tasks: list[asyncio.Task[None]] = []
        self.query = parse_qs(self.scope["query_string"].decode(errors="replace"))
        try:
            check_origin(self.scope)
            after = read_after(self.query.get("after", [None])[0])
            self.seat = self.take_seat(self.query.get("token", [None])[0])
        except NoSeat as refusal:
            await self.accept()
            await self.close(refusal.code, reason=refusal.reason)
            return
        self.joined = True
        metrics.CONNECTIONS.inc()
        await self.join()
        await self.accept()
        if after is not None:
            await self.catch_up(after)
        self.tasks.append(asyncio.create_task(self._send_on()))

    async def disconnect(self, code: int) -> None:
        """Leave, and give the seat back."""
        for task in self.tasks:
            task.cancel()
        await self._leave()
        if self.given_up.done():
            goodbye = self.given_up.result()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.close(goodbye.code, goodbye.reason), CLOSED_WITHIN_SECONDS)
        if self.seat is not None:
            give_back(self.seat)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """What clients say is not for us."""

    def hear(self, text: str) -> None:
        """From the hub. Who cannot keep up is dropped, not buffered without end; it may resume by seq."""
        if self.unsent.full():
            self.drop()
        else:
            self.unsent.put_nowait(text)

    def drop(self) -> None:
        """Close, also where a send never ends since nobody reads."""
        if not self.dropped:
            self.dropped = True
            metrics.DROPPED.inc()
            self.give_up(TOO_SLOW, "too slow; resume with ?after=")

    def take_seat(self, token: str | None) -> str:
        """Count this connection, or raise NoSeat."""
        raise NotImplementedError

    async def join(self) -> None:
        """Hear what happens from now on."""
        raise NotImplementedError

    async def leave(self) -> None:
        """Hear nothing more."""
        raise NotImplementedError

    async def catch_up(self, after: int) -> None:
        """Send what has happened since."""
        raise NotImplementedError

    async def resumable(self, after: int) -> int | None:
        """Return where to resume; None where nothing was missed, or too much, for which a `reset` is sent."""
        next_after: int | None = await database_sync_to_async(queries.resume_point)(after)
        newest = await database_sync_to_async(order_events.newest_seq)()
        if next_after is not None and newest - next_after > order_events.RESUMABLE_EVENTS:
            await self.say([{"type": "reset", "seq": newest}])
            return None
        return next_after

    async def say(self, events: Sequence[dict[str, Any]]) -> None:
        """Send events in one frame."""
        if events:
            await self.send(text_data=json.dumps(frame(events), separators=(",", ":")))
            metrics.PUSHED.inc(len(events))

    async def _send_on(self) -> None:
        while True:
            await self.send(text_data=await self.unsent.get())

    def give_up(self, code: int, reason: str) -> None:
        """End the connection from here."""
        if not self.given_up.done():
            self.given_up.set_result(Goodbye(code, reason))

    async def _hear_or_give_up(self, receive: Receive) -> Any:
        """The client's next message, or that there is none: Granian closes nothing while it still waits."""
        heard = asyncio.ensure_future(receive())
        try:
            await asyncio.wait([heard, self.given_up], return_when=asyncio.FIRST_COMPLETED)
            if heard.done():
                return heard.result()
        finally:
            heard.cancel()
        await asyncio.wait([heard])
        return {"type": "websocket.disconnect", "code": self.given_up.result().code}

    async def _leave(self) -> None:
        if self.joined:
            self.joined = False
            metrics.CONNECTIONS.dec()
            await self.leave()


_catch_ups: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


def _catching_up() -> asyncio.Semaphore:
    return _catch_ups.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(CATCH_UPS))


class ListingsFeed(LiveSocket):
    """The public feed."""

    def take_seat(self, token: str | None) -> str:
        """One of the address's."""
        return take_seat(f"address {address_of(self.scope)}", limit=settings.LIVE_SOCKETS_PER_ADDRESS)

    async def join(self) -> None:
        """At the hub."""
        await current_hub().join(self)

    async def leave(self) -> None:
        """From the hub."""
        await current_hub().leave(self)

    async def catch_up(self, after: int) -> None:
        """Send it in pages, or a `reset` where it is too much, to a few sockets at a time."""
        async with _catching_up():
            next_after: int | None = await self.resumable(after)
            while next_after is not None:
                next_after = await self._send_page(next_after)

    async def _send_page(self, after: int) -> int | None:
        events = await database_sync_to_async(queries.events_after)(after, limit=PAGE)
        await self.say([to_client(event) for event in events])
        return events[-1].seq if events else None


class OrdersFeed(LiveSocket):
    """A user's own orders, as buyer and as seller, until the token expires."""

    bearer: Bearer

    def take_seat(self, token: str | None) -> str:
        """One of the user's."""
        self.bearer = read_token(token)
        return take_seat(f"user {self.bearer.user_id}", limit=settings.LIVE_SOCKETS_PER_USER)

    async def join(self) -> None:
        """At the desk for orders."""
        self.tasks.append(asyncio.create_task(self._expire()))
        notifications = self.query.get("notifications") == ["1"]
        await current_order_hub().join(self, self.bearer.user_id, notifications=notifications)

    async def leave(self) -> None:
        """From the desk."""
        await current_order_hub().leave(self, self.bearer.user_id)

    async def catch_up(self, after: int) -> None:
        """Send it in pages, or a `reset` where it is too much."""
        next_after: int | None = await self.resumable(after)
        while next_after is not None:
            missed = await database_sync_to_async(order_events.find_missed)(self.bearer.user_id, next_after)
            await self.say(missed.orders)
            next_after = missed.next_after

    async def _expire(self) -> None:
        await asyncio.sleep(max(0.0, self.bearer.seconds_left))
        self.give_up(BAD_TOKEN, "the token has expired; come again with a new one and ?after=")
