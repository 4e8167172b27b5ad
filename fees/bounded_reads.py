"""Reads from a socket that end together at one deadline."""

import io
import socket
import time
from typing import Any


class BoundedReads(io.RawIOBase):
    """A socket's incoming bytes; a read after the deadline raises TimeoutError."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        self._raw, self._sock = raw, sock
        self._deadline = 0.0

    def expect_within(self, seconds: float) -> None:
        """Set the deadline for all reads from now on."""
        self._deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        # A socket's own timeout starts anew with every byte, so a client that drips would never meet it.
        seconds_left = self._deadline - time.monotonic()
        if seconds_left <= 0:
            raise TimeoutError("the deadline has passed")
        self._sock.settimeout(seconds_left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
