"""Waiting for a condition, with a limit."""

import time
from collections.abc import Callable

PAUSE_SECONDS = 0.05


def wait_until(condition: Callable[[], bool], *, timeout_seconds: float) -> bool:
    """Return True once the condition holds, False if it still does not when the time is up."""
    give_up_at = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(PAUSE_SECONDS)
    return True
