"""A browser on the live feed: a raw WebSocket that stores frames with their arrival times for later."""

import base64
import json
import os
import socket
import time
from collections.abc import Iterator

CHUNK = 1 << 18
SALE = b'"item_sold"'
SHORT, MEDIUM, LONG = 125, 126, 127  # RFC 6455, section 5.2: the encoding of a length
TEXT, PING, PONG = 0x1, 0x9, 0xA
MASKED_FINAL = 0x80


class Feed:
    """One connection to the feed; `frames` are texts with the time.monotonic() of their arrival."""

    def __init__(self, port: int, path: str = "/ws/listings/") -> None:
        self.frames: list[tuple[float, bytes]] = []
        self.sales = 0
        self.closed = False
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._received = b""
        self._shake_hands(port, path)

    def receive(self) -> None:
        """Read what has arrived; raises ConnectionError at the end of the connection."""
        # Parsing JSON here would take CPU from the shop, which runs on the same cores.
        chunk = self.socket.recv(CHUNK)
        now = time.monotonic()
        if not chunk:
            self.closed = True
            raise ConnectionError("the live feed was closed")
        frames, self._received = split_frames(self._received + chunk)
        for opcode, payload in frames:
            if opcode == TEXT:
                self.frames.append((now, payload))
                self.sales += payload.count(SALE)
            elif opcode == PING:
                self._answer_ping(payload)

    def sold_at(self) -> dict[str, float]:
        """Return the arrival time of the first event of each order, by order id."""
        seen: dict[str, float] = {}
        for at, order_id in self._sales_in_order():
            seen.setdefault(order_id, at)
        return seen

    def sold_orders(self) -> list[str]:
        """Return the order id of each event, duplicates included."""
        return [order_id for _, order_id in self._sales_in_order()]

    def close(self) -> None:
        self.socket.close()

    def _sales_in_order(self) -> Iterator[tuple[float, str]]:
        for at, payload in self.frames:
            frame = json.loads(payload)
            for event in frame["events"] if frame["type"] == "batch" else [frame]:
                if event["type"] == "item_sold":
                    yield at, event["order_id"]

    def _shake_hands(self, port: int, path: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        while b"\r\n\r\n" not in self._received:
            if not (chunk := self.socket.recv(CHUNK)):
                raise ConnectionError("the live feed was closed")
            self._received += chunk
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            raise ConnectionError(f"no WebSocket: {head!r}")

    def _answer_ping(self, payload: bytes) -> None:
        # RFC 6455 has clients mask their frames, to protect proxies; with zeros the payload stays as it is.
        header = bytes([MASKED_FINAL | PONG, MASKED_FINAL | len(payload)])
        self.socket.sendall(header + bytes(4) + payload)


def split_frames(received: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return the complete frames of a server (opcode, payload), and the beginning of the next one."""
    frames = []
    position = 0
    while span := _find_payload(received, position):
        start, end = span
        frames.append((received[position] & 0xF, received[start:end]))
        position = end
    return frames, received[position:]


def _find_payload(received: bytes, position: int) -> tuple[int, int] | None:
    if len(received) < position + 2:
        return None
    length = received[position + 1]
    start = position + 2
    if length > SHORT:
        width = 2 if length == MEDIUM else 8
        start += width
        length = int.from_bytes(received[start - width : start])
        if len(received) < start:
            return None
    return (start, start + length) if len(received) >= start + length else None
