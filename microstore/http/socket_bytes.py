"""Bound of what a client may send on a WebSocket, for an ASGI server that has none.

granian collects a message of up to 64 MiB before the application sees a byte of it, and has no setting for
that: eight connections that send one cost 500 MiB (measured), which is more than a process has in Kubernetes.
"""

import asyncio
import contextlib
import resource
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog

from microstore.http.slow_bodies import own_sockets

Peer = tuple[str, str]  # address and port

log = structlog.get_logger(__name__)

# Clients answer a heartbeat now and then: in a day that is a tenth of it.
MAX_BYTES = 1024 * 1024
LOOK_EVERY_SECONDS = 0.25
GROWTH_BYTES = 16 * 1024 * 1024  # of this process's memory, from which on its connections are looked at
MEMORY = Path("/proc/self/statm")  # Linux alone; elsewhere nothing is closed
# struct tcp_info in linux/tcp.h: where the count of received bytes is.
RECEIVED, INFO_BYTES = 128, 136


class BoundedSockets:
    """ASGI middleware that closes WebSockets whose clients have sent more than MAX_BYTES."""

    def __init__(self, application: Any) -> None:
        self.application = application
        self._peers: set[Peer] = set()
        self._watch: asyncio.Task[None] | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        peer = peer_of(scope.get("client") or ("", ""))
        self._peers.add(peer)
        if self._watch is None:
            self._watch = asyncio.create_task(self._close_full_ones())
        try:
            await self.application(scope, receive, send)
        finally:
            self._peers.discard(peer)

    async def _close_full_ones(self) -> None:
        before = resident_bytes()
        while self._peers:
            await asyncio.sleep(LOOK_EVERY_SECONDS)
            # Looking at thousands of connections takes milliseconds, and reading this file none.
            if (now := resident_bytes()) > before + GROWTH_BYTES:
                close_full(self._peers)
                before = resident_bytes()
            before = min(before, now)
        self._watch = None


def resident_bytes() -> int:
    """Return the memory of this process that is in use; 0 where the system does not say."""
    try:
        pages = int(MEMORY.read_text(encoding="utf-8").split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def peer_of(address: Sequence[Any]) -> Peer:
    """Return the address in one form: granian gives the port as text, and the kernel as a number."""
    return str(address[0]), str(address[1])


def close_full(peers: set[Peer]) -> None:
    """Close the connections of these clients that have sent more than MAX_BYTES."""
    closed = 0
    for opened in own_sockets():
        with opened, contextlib.suppress(OSError):
            if peer_of(opened.getpeername()) in peers and received_bytes(opened) > MAX_BYTES:
                # `close` would only close the duplicate: see slow_bodies.
                opened.shutdown(socket.SHUT_RDWR)
                closed += 1
    if closed:
        log.warning("sockets_closed", connections=closed, most_bytes=MAX_BYTES)


def received_bytes(opened: socket.socket) -> int:
    """Return how many bytes the peer has sent on this connection."""
    info = opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO_BYTES)
    return int(struct.unpack_from("Q", info, RECEIVED)[0]) if len(info) >= INFO_BYTES else 0
