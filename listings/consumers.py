"""WebSockets: `/ws/listings/` tells everybody what has been sold."""

import asyncio
import json
from collections.abc import Sequence
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from listings import metrics, queries
from listings.hub import current_hub
from listings.live import frame, to_client
from listings.models import LiveEvent

BAD_REQUEST = 4400
TOO_SLOW = 4408
PAGE = 500
MAX_DIGITS = 18
MAX_UNSENT_FRAMES = 1_000


class ListingsFeed(AsyncWebsocketConsumer):
    """The public feed. `?after=SEQ` first sends what was missed."""

    channel_layer_alias = "none"  # the hub listens for all sockets of the process
    sender: asyncio.Task[None] | None = None
    too_slow = False

    async def connect(self) -> None:
        """Join the feed before anything else, so that nothing falls between it and what was missed."""
        after = parse_qs(self.scope["query_string"].decode(errors="replace")).get("after", [None])[0]
        if after is not None and not (after.isascii() and after.isdecimal() and len(after) <= MAX_DIGITS):
            await self.accept()
            await self.close(BAD_REQUEST, reason="after must be a seq: a whole number")
            return
        self.unsent: asyncio.Queue[str] = asyncio.Queue(MAX_UNSENT_FRAMES)
        await current_hub().join(self)
        await self.accept()
        if after is not None:
            await self._catch_up(int(after))
        self.sender = asyncio.create_task(self._send_on())

    async def disconnect(self, code: int) -> None:
        """Leave the feed."""
        await current_hub().leave(self)
        if self.sender is not None:
            self.sender.cancel()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """What clients say is not for us."""

    def hear(self, text: str) -> None:
        """From the hub. Who cannot keep up is dropped, not buffered without end; it may resume by seq."""
        if self.unsent.full():
            metrics.DROPPED.inc(not self.too_slow)
            self.too_slow = True
        else:
            self.unsent.put_nowait(text)

    async def _send_on(self) -> None:
        while not self.too_slow:
            await self.send(text_data=await self.unsent.get())
        await self.close(TOO_SLOW, reason="too slow; resume with ?after=")

    async def _catch_up(self, after: int) -> None:
        events = await self._read_page(await database_sync_to_async(queries.resume_point)(after))
        while events:
            await self.send(text_data=json.dumps(frame([to_client(event) for event in events])))
            events = await self._read_page(events[-1].seq)

    async def _read_page(self, after: int) -> Sequence[LiveEvent]:
        return await database_sync_to_async(queries.events_after)(after, limit=PAGE)
