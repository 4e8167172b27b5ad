"""The load generator: buyers and browsers in one thread on raw sockets, which cost little CPU themselves.

During the measurement an answer is read only to find its end; its body is parsed afterwards.
"""

import json
import selectors
import socket
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.feed import Feed

HEAD_END = b"\r\n\r\n"
LENGTH = b"content-length:"
CHUNK = 1 << 16
ACCEPTED = 202
SILENCE_SECONDS = 20


@dataclass
class Answer:
    """One request and its response; times are of time.monotonic()."""

    due_at: float
    sent_at: float
    answered_at: float = 0
    raw: bytes = b""

    @property
    def status(self) -> int:
        """Return the HTTP status; 0 if the connection broke before a response."""
        return int(self.raw[9:12] or 0)

    @property
    def body(self) -> Any:
        """Return the parsed JSON of the response."""
        return json.loads(self.raw.partition(HEAD_END)[2])


class Client:
    """A persistent connection with at most one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        # Without it the kernel holds small writes back, and that would be measured.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answer = Answer(0, 0)
        self._received = b""

    def send(self, request: bytes, *, due_at: float) -> Answer:
        """Send a request, and return its answer, which `receive` completes."""
        self.answer = Answer(due_at, time.monotonic())
        self._received = b""
        self.socket.sendall(request)
        return self.answer

    def receive(self) -> bool:
        """Read what has arrived; return whether the answer is whole. Raises ConnectionError at the end."""
        chunk = self.socket.recv(CHUNK)
        if not chunk:
            raise ConnectionError("closed without an answer")
        self._received += chunk
        if not is_whole(self._received):
            return False
        self.answer.answered_at, self.answer.raw = time.monotonic(), self._received
        return True


def is_whole(received: bytes) -> bool:
    """Return whether this is a whole HTTP response; the shop's have a Content-Length."""
    head, end, body = received.partition(HEAD_END)
    if not end:
        return False
    return len(body) >= int(head.lower().partition(LENGTH)[2].split(b"\r\n", 1)[0])


@dataclass
class Crowd:
    """Clients that send each request exactly once and in order, while feeds receive.

    Without a rate the loop is closed: each client sends its next request as soon as it has its answer. With a
    rate it is open: requests are due at fixed times, even if earlier ones are still unanswered.
    """

    ports: Sequence[int]
    clients: int
    feeds: Sequence[Feed] = ()
    answers: list[Answer] = field(default_factory=list)
    _idle: deque[Client] = field(default_factory=deque)
    _under_way: int = 0
    _accepted: int = 0

    def run(self, requests: Sequence[bytes], *, rate: float | None = None) -> list[Answer]:
        """Send all requests, until each feed has shown every accepted order or SILENCE_SECONDS pass."""
        with selectors.DefaultSelector() as selector:
            clients = [Client(self.ports[n % len(self.ports)]) for n in range(self.clients)]
            listeners: list[Client | Feed] = [*clients, *self.feeds]
            for listener in listeners:
                selector.register(listener.socket, selectors.EVENT_READ, listener)
            self._idle.extend(clients)
            self._run(selector, requests, 1 / rate if rate else 0)
            for client in clients:
                client.socket.close()
        return self.answers

    def _run(self, selector: selectors.BaseSelector, requests: Sequence[bytes], pause: float) -> None:
        before = [feed.sales for feed in self.feeds]
        started_at = last_at = time.monotonic()
        while len(self.answers) < len(requests) or self._under_way or self._is_unseen(before):
            now = time.monotonic()
            next_at = self._send_due(requests, started_at, pause)
            ready = selector.select(max(0, min(next_at - now, 1)))
            for key, _ in ready:
                self._receive(selector, key.data)
            if ready:
                last_at = now
            elif now - last_at > SILENCE_SECONDS:
                break

    def _send_due(self, requests: Sequence[bytes], started_at: float, pause: float) -> float:
        """Send the requests that are due with idle clients; return when the next one is due."""
        # Latency counts from `due_at`: a request that waits for an idle client has waited for the shop.
        while self._idle and (sent := len(self.answers)) < len(requests):
            now = time.monotonic()
            due_at = started_at + sent * pause if pause else now
            if due_at > now:
                return due_at
            self.answers.append(self._idle.popleft().send(requests[sent], due_at=due_at))
            self._under_way += 1
        return float("inf")

    def _receive(self, selector: selectors.BaseSelector, listener: Client | Feed) -> None:
        try:
            done = listener.receive()
        except ConnectionError:
            # The answer stays empty, which counts as refused, and the client sends nothing more.
            done = True
            selector.unregister(listener.socket)
        if isinstance(listener, Client) and done:
            self._under_way -= 1
            self._accepted += listener.answer.status == ACCEPTED
            if listener.answer.raw:
                self._idle.append(listener)

    def _is_unseen(self, before: Sequence[int]) -> bool:
        still_open = [
            (feed, sales) for feed, sales in zip(self.feeds, before, strict=True) if not feed.closed
        ]
        return any(feed.sales - sales < self._accepted for feed, sales in still_open)
