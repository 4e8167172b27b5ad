"""Doing things at the very same moment, each thread with a database connection of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connections

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
