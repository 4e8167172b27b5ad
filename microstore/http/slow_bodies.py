"""Deadline for request bodies in WSGI: each arrives whole within BODY_SECONDS.

granian reads bodies on its blocking threads, without a deadline and with no way to interrupt a read.
Thirty-two connections that send one byte each would hold all threads of an API. So while reads are slow, a
thread looks once a second for the connections that have been waiting for an answer since then, and closes
them.
"""

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import structlog
from django.conf import settings
from django.http import UnreadablePostError

log = structlog.get_logger(__name__)

Environ = dict[str, Any]
LOOK_EVERY_SECONDS = 1.0
OPEN_FILES = Path("/proc/self/fd")  # Linux alone; elsewhere nothing is closed
# struct tcp_info in linux/tcp.h: where the state, two ages in milliseconds and a count of segments are.
STATE, LAST_SENT, LAST_RECEIVED, SEGMENTS_SENT, INFO_BYTES = 0, 44, 52, 156, 160
ESTABLISHED = 1


class TimedBodies:
    """WSGI middleware that records since when each thread has been reading a body."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application
        self._began: dict[int, float] = {}  # by thread
        self._starting = threading.Lock()
        self._is_watched = False

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("CONTENT_LENGTH"):
            if not self._is_watched:  # not at import: granian forks its workers after that
                self._start_watching(int(environ["SERVER_PORT"]))
            environ["wsgi.input"] = TimedBody(environ["wsgi.input"], self._began)
        return self.application(environ, start_response)

    def _start_watching(self, port: int) -> None:
        # Threads that get the first bodies at the same time must start one watcher, not one each.
        with self._starting:
            if not self._is_watched:
                self._is_watched = True
                threading.Thread(target=self._watch, args=[port], name="slow bodies", daemon=True).start()

    def _watch(self, port: int) -> None:
        waiting: dict[Any, float] = {}
        while True:
            time.sleep(LOOK_EVERY_SECONDS)
            now = time.monotonic()
            # A copy, made in one step under the GIL: other threads add and delete entries meanwhile.
            if any(now - began > LOOK_EVERY_SECONDS for began in list(self._began.values())):
                close_late(port, waiting, now=now)
            else:
                waiting.clear()


class TimedBody:
    """File `wsgi.input`, which Django reads by a number of bytes at a time."""

    def __init__(self, body: Any, began: dict[int, float]) -> None:
        self._read, self.readline, self._began = body.read, body.readline, began

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes; raises UnreadablePostError where the connection ended before.

        granian returns what had arrived by then, which can be valid JSON, or half of a form.
        """
        thread = threading.get_ident()
        self._began[thread] = time.monotonic()
        try:
            data: bytes = self._read(size)
        finally:
            del self._began[thread]
        if len(data) < size:
            raise UnreadablePostError("the connection ended within the request body")
        return data


class Connection(NamedTuple):
    """An established connection from a client."""

    peer: Any
    sent_seconds_ago: float
    is_unanswered: bool


def close_late(port: int, waiting: dict[Any, float], *, now: float) -> None:
    """Close the port's connections that have waited for an answer for BODY_SECONDS, as seen each second.

    `waiting` holds since when, by the client's address. A connection that was idle for long and has just
    sent a request looks the same at one moment: only one that waits all the time is closed.
    """
    seen, closed = set(), 0
    for opened in own_sockets():
        with opened, contextlib.suppress(OSError):
            connection = read_connection(opened, port)
            if connection is None or not connection.is_unanswered:
                continue
            seen.add(connection.peer)
            since = waiting.setdefault(connection.peer, now)
            if connection.sent_seconds_ago < now - since:
                waiting[connection.peer] = now  # answered since then, and it has sent the next request
            elif now - since >= settings.BODY_SECONDS:
                # `close` would only close the duplicate; a shutdown ends the read in granian's thread, too.
                opened.shutdown(socket.SHUT_RDWR)
                closed += 1
    for peer in waiting.keys() - seen:
        del waiting[peer]
    if closed:
        log.warning("slow_bodies_closed", connections=closed)


def own_sockets() -> Iterator[socket.socket]:
    """Yield a duplicate of each TCP socket of this process."""
    for file in list(OPEN_FILES.iterdir()) if OPEN_FILES.exists() else ():
        with contextlib.suppress(OSError):
            if file.readlink().name.startswith("socket:"):
                # A duplicate: closing a socket object of granian's own descriptor would close the connection.
                opened = socket.socket(fileno=os.dup(int(file.name)))
                if opened.family in (socket.AF_INET, socket.AF_INET6) and opened.type == socket.SOCK_STREAM:
                    yield opened
                else:
                    opened.close()


def read_connection(opened: socket.socket, port: int) -> Connection | None:
    """Return the kernel's data of an established connection to this port; None for any other socket."""
    if opened.getsockname()[1] != port:
        return None
    info = opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO_BYTES)
    if len(info) < INFO_BYTES or info[STATE] != ESTABLISHED:
        return None
    sent, received, segments = (
        struct.unpack_from("I", info, at)[0] for at in (LAST_SENT, LAST_RECEIVED, SEGMENTS_SENT)
    )
    return Connection(opened.getpeername(), sent / 1000, not segments or received < sent)
