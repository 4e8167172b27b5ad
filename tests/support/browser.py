"""A browser that listens to a WebSocket of the service's own ASGI application, in a thread of its own."""

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.routing import URLRouter
from django.conf import settings
from django.db import connections
from django.utils.module_loading import import_string

WAIT_SECONDS = 30

Answer = TypeVar("Answer")


class Browser:
    """One connection. (`channels.testing` has the like, but cannot be imported without daphne.)"""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        path: str,
        *,
        when_accepted: Callable[[], None] = lambda: None,
        headers: Sequence[tuple[bytes, bytes]] = (),
        address: str = "127.0.0.1",
    ) -> None:
        self.loop = loop
        path, _, query = path.partition("?")
        routes = import_string(f"{settings.SERVICE}.routing.websocket_urlpatterns")
        scope = {"type": "websocket", "path": path, "query_string": query.encode()}
        scope |= {"headers": list(headers), "client": [address, 50_000]}
        application = interrupted(URLRouter(routes), when_accepted)
        communicator = ApplicationCommunicator(application, scope)  # type: ignore[no-untyped-call]  # asgiref's
        self.application: Any = communicator

    def open(self) -> None:
        """Connect, and see it accepted."""
        self.send({"type": "websocket.connect"})
        assert self.receive()["type"] == "websocket.accept"

    def say(self, text: str) -> None:
        """Send a text frame."""
        self.send({"type": "websocket.receive", "text": text})

    def read(self) -> Any:
        """The next frame's JSON."""
        return json.loads(self.receive()["text"])

    def read_events(self, count: int) -> list[dict[str, Any]]:
        """The next frames' events, batches taken apart, until there are so many."""
        events: list[dict[str, Any]] = []
        while len(events) < count:
            frame = self.read()
            events += frame["events"] if frame["type"] == "batch" else [frame]
        return events

    def send(self, message: dict[str, Any]) -> None:
        """Send an ASGI message."""
        self._run(self.application.send_input(message))

    def receive(self) -> dict[str, Any]:
        """The next ASGI message, whatever it is."""
        received: dict[str, Any] = self._run(self.application.receive_output(WAIT_SECONDS))
        return received

    def is_silent(self) -> bool:
        """Whether the application sends nothing for a moment."""
        return bool(self._run(self.application.receive_nothing()))

    def close(self) -> None:
        """Go away, and let the application finish."""
        self.send({"type": "websocket.disconnect", "code": 1000})
        self._run(self.application.wait(WAIT_SECONDS))

    def _run(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(2 * WAIT_SECONDS)


def interrupted(application: Any, when_accepted: Callable[[], None]) -> Any:
    """The application, held up in the moment in which it accepts the connection."""

    async def run(scope: Any, receive: Any, send: Any) -> None:
        async def send_on(message: Any) -> None:
            if message["type"] == "websocket.accept":
                await asyncio.to_thread(when_accepted)
            await send(message)

        await application(scope, receive, send_on)

    return run


@contextmanager
def browse(path: str, **connection: Any) -> Iterator[Browser]:
    """Open a WebSocket, and close it afterwards."""
    with running_loop() as loop, browse_in(loop, path, **connection) as browser:
        yield browser


@contextmanager
def browse_in(loop: asyncio.AbstractEventLoop, path: str, **connection: Any) -> Iterator[Browser]:
    """The same in a loop that others share, as those of one server process do."""
    browser = Browser(loop, path, **connection)
    browser.open()
    try:
        yield browser
    finally:
        browser.close()


@contextmanager
def running_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread. What still runs in it at the end, as after a failed test, is cancelled."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield loop
    finally:
        asyncio.run_coroutine_threadsafe(_end_tasks(), loop).result(WAIT_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WAIT_SECONDS)
        loop.close()


async def _end_tasks() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await sync_to_async(connections.close_all)()
