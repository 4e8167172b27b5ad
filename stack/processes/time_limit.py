"""A limit for the time of a block, whatever it waits for."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn


class TimeIsUp(BaseException):
    """A block exceeded its time limit. No Exception, so that no `except Exception` swallows it."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise TimeIsUp in the block after this number of seconds."""
    # A signal also ends a read that blocks, which a check between two steps would not.
    before = signal.signal(signal.SIGALRM, _end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise TimeIsUp
