"""Samples the wait events of active database sessions, many times a second."""

import threading
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import psycopg2

SAMPLE_EVERY_SECONDS = 0.05
WORKING = """
SELECT coalesce(wait_event_type, 'CPU'), coalesce(wait_event, '') FROM pg_stat_activity
WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


class Waits:
    """Counts the wait events of active sessions while the block runs."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.seen: Counter[tuple[str, str]] = Counter()
        self._urls = urls
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def share(self, kind: str) -> float:
        """Return the share of samples of this kind: Lock, LWLock, IO, Client …"""
        of_kind = sum(count for (seen, _), count in self.seen.items() if seen == kind)
        return of_kind / max(1, self.seen.total())

    def describe(self) -> str:
        """Return the most frequent wait events with their shares."""
        total = self.seen.total()
        return ", ".join(
            f"{kind} {event} {count / total:.0%}".replace("  ", " ")
            for (kind, event), count in self.seen.most_common(4)
        )

    def _sample(self) -> None:
        # Kept open: to connect 20 times a second would be a load of its own.
        connections = [psycopg2.connect(url) for url in self._urls]
        for connection in connections:
            connection.autocommit = True
        while not self._ended.wait(SAMPLE_EVERY_SECONDS):
            for connection in connections:
                with connection.cursor() as cursor:
                    cursor.execute(WORKING)
                    self.seen.update((str(kind), str(event)) for kind, event in cursor.fetchall())
        for connection in connections:
            connection.close()
