"""What the sessions of a database wait for while they work, looked at many times a second."""

import threading
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import psycopg2

LOOK_EVERY_SECONDS = 0.05
WORKING = """
SELECT coalesce(wait_event_type, 'CPU'), coalesce(wait_event, '') FROM pg_stat_activity
WHERE state = 'active' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


class Waits:
    """Counts, for as long as the block lasts, what working sessions were found waiting for."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.seen: Counter[tuple[str, str]] = Counter()
        self._urls = urls
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def share(self, kind: str) -> float:
        """How much of all that was seen is of this kind: Lock, LWLock, IO, Client …"""
        of_kind = sum(count for (seen, _), count in self.seen.items() if seen == kind)
        return of_kind / max(1, self.seen.total())

    def describe(self) -> str:
        """The most frequent, with their shares."""
        total = self.seen.total()
        return ", ".join(
            f"{kind} {event} {count / total:.0%}".replace("  ", " ")
            for (kind, event), count in self.seen.most_common(4)
        )

    def _look(self) -> None:
        connections = [psycopg2.connect(url) for url in self._urls]
        for connection in connections:
            connection.autocommit = True
        while not self._ended.wait(LOOK_EVERY_SECONDS):
            for connection in connections:
                with connection.cursor() as cursor:
                    cursor.execute(WORKING)
                    self.seen.update((str(kind), str(event)) for kind, event in cursor.fetchall())
        for connection in connections:
            connection.close()
