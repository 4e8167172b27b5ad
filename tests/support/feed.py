"""Browsers on the live feed that come again when they are cut off, and resume after what they last saw."""

import contextlib
import json
import threading
import time
from collections import Counter

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.support.market import Market


class Browser:
    """Stays as long as it is let, or leaves by itself and comes back; counts each event by its seq once."""

    def __init__(self, market: Market, *, leaves_after_seconds: float = float("inf")) -> None:
        self.url = f"{market.live_url}/ws/listings/"
        self.seen: Counter[str] = Counter()
        self.connected = threading.Event()
        self._leaves_after_seconds = leaves_after_seconds
        self._last_seq = int(market.listings("SELECT coalesce(max(seq), 0) FROM listings_liveevent")[0][0])
        self._seqs: set[int] = set()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._stay, daemon=True)
        self._thread.start()

    def leave(self) -> None:
        """Begin to close."""
        self._closing.set()

    def close(self) -> None:
        self.leave()
        self._thread.join(30)

    def _stay(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                self._listen()
            self._closing.wait(0.2)

    def _listen(self) -> None:
        url = f"{self.url}?after={self._last_seq}"
        with connect(url, open_timeout=5, ping_interval=2, ping_timeout=10) as connection:
            self.connected.set()
            leaves_at = time.monotonic() + self._leaves_after_seconds
            while not self._closing.is_set() and time.monotonic() < leaves_at:
                try:
                    frame = json.loads(connection.recv(timeout=0.5))
                except TimeoutError:
                    continue
                for event in frame["events"] if frame["type"] == "batch" else [frame]:
                    self._see(event)

    def _see(self, event: dict[str, object]) -> None:
        seq = int(str(event["seq"]))
        if event["type"] == "item_sold" and seq not in self._seqs:
            self._seqs.add(seq)
            self._last_seq = max(self._last_seq, seq)
            self.seen[str(event["order_id"])] += 1
