"""WebSockets: `/ws/listings/` sends sales to everybody, `/ws/orders/` to each user their own orders."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qs

import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from listings import metrics
from listings.live.events import events_after, latest_seq, resume_point
from listings.live.frames import Reset
from listings.live.push import frames, to_clients
from listings.websockets import order_events
from listings.websockets.admission import (
    BAD_TOKEN,
    BROKEN,
    SILENT,
    TOO_SLOW,
    Bearer,
    ConnectionRejected,
    acquire_slot,
    acquire_slot_of_oldest,
    address_of,
    check_origin,
    current_catch_ups,
    read_after,
    read_token,
    release_slot,
)
from listings.websockets.hub import BEAT_EVERY_SECONDS, current_hub
from listings.websockets.order_hub import current_order_hub

log = structlog.get_logger(__name__)

PAGE = 500
SILENT_AFTER_SECONDS = 3 * BEAT_EVERY_SECONDS  # of a client that has sent a frame, as ours do once connected
# Of a client's turn, or a few that do not read, as phones without a network, would hold up all others.
CATCH_UP_SECONDS = 60
CLOSED_WITHIN_SECONDS = 5  # a client that reads nothing does not read the close frame either
Receive = Callable[[], Awaitable[Any]]


class Close(NamedTuple):
    """Code and reason of a close from this end."""

    code: int
    reason: str


class LiveSocket(AsyncWebsocketConsumer):
    """A WebSocket that receives events of a hub; with `?after=SEQ` it first sends those since then."""

    channel_layer_alias = "none"  # the hub subscribes for all sockets of the process
    slot: str | None = None
    silence: asyncio.TimerHandle | None = None
    joined = dropped = False

    async def __call__(self, scope: Any, receive: Receive, send: Any) -> None:
        self.closing: asyncio.Future[Close] = asyncio.get_running_loop().create_future()
        self.tasks: list[asyncio.Task[None]] = []
        try:
            await super().__call__(scope, lambda: self._receive_until_closing(receive), send)
        finally:
            # Also after an exception, of which Channels makes no disconnect: a client that goes while it
            # connects. Until here the connection counts against its user or address.
            await self._leave()
            if self.slot is not None:
                release_slot(self.slot, self)

    async def connect(self) -> None:
        self.unsent: asyncio.Queue[str] = asyncio.Queue(settings.LIVE_UNSENT_FRAMES)
        self.query = parse_qs(self.scope["query_string"].decode(errors="replace"))
        try:
            check_origin(self.scope)
            after = read_after(self.query.get("after", [None])[0])
            self.slot = self.acquire_slot(self.query.get("token", [None])[0])
        except ConnectionRejected as rejection:
            # Accepted first: of a refused handshake a browser learns neither code nor reason.
            await self.accept()
            await self.close(rejection.code, reason=rejection.reason)
            return
        self.joined = True
        metrics.CONNECTIONS.inc()
        # Joined before the table is read: an event between the two would be in neither. One that is in both
        # is sent twice, and clients drop it by its seq.
        try:
            await self.join()
        except Exception as error:  # noqa: BLE001  # the hub's first socket has it read the database
            self.give_up(error)
        await self.accept()
        # A task: until `connect` has returned nothing closes the connection, neither the other end nor this.
        self.tasks.append(asyncio.create_task(self._send_all(after)))

    async def disconnect(self, code: int) -> None:
        await self._leave()
        if self.closing.done():
            close = self.closing.result()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.close(close.code, close.reason), CLOSED_WITHIN_SECONDS)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Take any frame for the answer to a heartbeat; after the first one the next has to come in time.

        Ours send one as soon as they are connected. Others may never send any, and are not closed for it.
        """
        # ASGI has no pings and granian sends none. A proxy in front would answer them for a dead client, too.
        if self.silence:
            self.silence.cancel()
        self.silence = asyncio.get_running_loop().call_later(
            SILENT_AFTER_SECONDS, self.close_from_here, SILENT, "no answer to a heartbeat"
        )

    def enqueue(self, text: str) -> None:
        """Accept a frame of the hub without blocking the event loop."""
        # A client that reads too slowly is closed, not buffered without a bound; it may resume by seq.
        if self.unsent.full():
            self.drop()
        else:
            self.unsent.put_nowait(text)

    def drop(self) -> None:
        """Close with TOO_SLOW, also while a send waits for a client that does not read."""
        if not self.dropped:
            self.dropped = True
            metrics.DROPPED.inc()
            self.close_from_here(TOO_SLOW, "too slow; resume with ?after=")

    def give_up(self, error: Exception) -> None:
        """Close the connection, whose events cannot be read or sent; its client comes again."""
        log.warning("live_feed_broken", error=repr(error))
        self.close_from_here(BROKEN, "come again with ?after=")

    def acquire_slot(self, token: str | None) -> str:
        """Return the name of the slot to release; raises ConnectionRejected."""
        raise NotImplementedError

    async def join(self) -> None:
        """Receive the hub's events from now on."""
        raise NotImplementedError

    async def leave(self) -> None:
        """Receive nothing more of the hub."""
        raise NotImplementedError

    async def catch_up(self, after: int) -> None:
        """Send the events after this seq."""
        raise NotImplementedError

    async def resumable(self, after: int) -> int | None:
        """Return the seq after which to resume; None if it is too far back, for which a `reset` is sent."""
        next_after: int = await database_sync_to_async(resume_point)(after)
        newest = await database_sync_to_async(latest_seq)()
        if newest - next_after > order_events.RESUMABLE_EVENTS:
            await self.send_events([Reset(seq=newest).to_client()])
            return None
        return next_after

    async def send_events(self, events: Sequence[dict[str, Any]]) -> None:
        """Send the events, in as few frames as their size allows."""
        for text in frames(events):
            await self.send(text_data=text)
        metrics.PUSHED.inc(len(events))

    async def _send_all(self, after: int | None) -> None:
        try:
            if after is not None:
                async with current_catch_ups().turn(self.slot or ""), asyncio.timeout(CATCH_UP_SECONDS):
                    await self.catch_up(after)
        except TimeoutError:
            self.drop()
        except Exception as error:  # noqa: BLE001  # whatever it is, the client has to come again
            self.give_up(error)
        # Queued events are sent only now, so that they come after the missed ones.
        while not self.closing.done():
            await self.send(text_data=await self.unsent.get())

    def close_from_here(self, code: int, reason: str) -> None:
        """Close the connection with this code and reason, unless it is being closed already."""
        if not self.closing.done():
            self.closing.set_result(Close(code, reason))

    async def _receive_until_closing(self, receive: Receive) -> Any:
        # Granian closes no connection while a `receive` waits, so that is cancelled first, and the consumer
        # gets a disconnect in its place.
        message = asyncio.ensure_future(receive())
        try:
            await asyncio.wait([message, self.closing], return_when=asyncio.FIRST_COMPLETED)
            if message.done():
                return message.result()
        finally:
            message.cancel()
        await asyncio.wait([message])
        return {"type": "websocket.disconnect", "code": self.closing.result().code}

    async def _leave(self) -> None:
        for task in self.tasks:
            task.cancel()
        if self.silence:
            self.silence.cancel()
        if self.joined:
            self.joined = False
            metrics.CONNECTIONS.dec()
            await self.leave()


class ListingsFeed(LiveSocket):
    """The public feed, open to everybody."""

    def acquire_slot(self, token: str | None) -> str:
        name = f"address {address_of(self.scope)}"
        return acquire_slot(name, self, limit=settings.LIVE_SOCKETS_PER_ADDRESS)

    async def join(self) -> None:
        await current_hub().join(self)

    async def leave(self) -> None:
        await current_hub().leave(self)

    async def catch_up(self, after: int) -> None:
        next_after: int | None = await self.resumable(after)
        while next_after is not None:
            next_after = await self._send_page(next_after)

    async def _send_page(self, after: int) -> int | None:
        events = await database_sync_to_async(events_after)(after, limit=PAGE)
        await self.send_events(to_clients(events))
        return events[-1].seq if events else None


class OrdersFeed(LiveSocket):
    """A user's own orders, as buyer and as seller, until the token expires."""

    bearer: Bearer

    def acquire_slot(self, token: str | None) -> str:
        self.bearer = read_token(token)
        name = f"user {self.bearer.user_id}"
        return acquire_slot_of_oldest(name, self, limit=settings.LIVE_SOCKETS_PER_USER)

    async def join(self) -> None:
        self.tasks.append(asyncio.create_task(self._expire()))
        notifications = self.query.get("notifications") == ["1"]
        await current_order_hub().join(self, self.bearer.user_id, notifications=notifications)

    async def leave(self) -> None:
        await current_order_hub().leave(self, self.bearer.user_id)

    async def catch_up(self, after: int) -> None:
        next_after: int | None = await self.resumable(after)
        while next_after is not None:
            missed = await database_sync_to_async(order_events.find_missed)(self.bearer.user_id, next_after)
            await self.send_events(missed.events)
            next_after = missed.next_after

    async def _expire(self) -> None:
        await asyncio.sleep(max(0.0, self.bearer.seconds_left))
        self.close_from_here(BAD_TOKEN, "the token has expired; come again with a new one and ?after=")
