"""WebSockets: `/ws/listings/` tells everybody what has been sold."""

from typing import Any
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from listings import queries
from listings.live import LISTINGS_GROUP, frame, to_client

BAD_REQUEST = 4400
PAGE = 500
MAX_DIGITS = 18


class ListingsFeed(AsyncJsonWebsocketConsumer):
    """The public feed. `?after=SEQ` first sends what was missed."""

    async def connect(self) -> None:
        """Join the feed before reading what was missed, so that nothing falls in between."""
        after = parse_qs(self.scope["query_string"].decode()).get("after", [None])[0]
        await self.accept()
        if after is not None and not (after.isascii() and after.isdecimal() and len(after) <= MAX_DIGITS):
            await self.close(BAD_REQUEST, reason="after must be a seq: a whole number")
            return
        await self.channel_layer.group_add(LISTINGS_GROUP, self.channel_name)
        if after is not None:
            await self._catch_up(int(after))

    async def disconnect(self, code: int) -> None:
        """Leave the feed."""
        await self.channel_layer.group_discard(LISTINGS_GROUP, self.channel_name)

    async def receive_json(self, content: Any, **_: Any) -> None:
        """What clients say is not for us."""

    async def live_events(self, message: dict[str, Any]) -> None:
        """From the channel layer: new events."""
        await self.send_json(frame(message["events"]))

    async def _catch_up(self, after: int) -> None:
        while events := await database_sync_to_async(queries.events_after)(after, limit=PAGE):
            await self.send_json(frame([to_client(event) for event in events]))
            if len(events) < PAGE:
                return
            after = events[-1].seq
