"""Doing things at the very same moment, each thread with a database connection of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event
from typing import TypeVar

from django.db import connection, connections

WAIT_SECONDS = 60

Result = TypeVar("Result")


def run_at_once(count: int, action: Callable[[int], Result]) -> list[Result]:
    """Call action(0), action(1), … from as many threads, all released together; their results in order."""
    start = Barrier(count)

    def act(number: int) -> Result:
        start.wait(WAIT_SECONDS)
        try:
            return action(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(act, range(count), timeout=WAIT_SECONDS))


@contextmanager
def other_threads() -> Iterator[Callable[[Callable[[], Result]], "Future[Result]"]]:
    """Start functions in threads of their own; all have ended at the end."""

    def run(action: Callable[[], Result]) -> Result:
        try:
            return action()
        finally:
            connections.close_all()

    with ThreadPoolExecutor() as threads:
        yield lambda action: threads.submit(run, action)


def wait_for_blocked(count: int) -> None:
    """Return when so many database sessions wait for a lock that another one holds."""
    with connection.cursor() as cursor:
        for _ in range(WAIT_SECONDS * 100):
            cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() == (count,):
                return
            Event().wait(0.01)
    raise TimeoutError(f"{count} sessions never waited at once")
