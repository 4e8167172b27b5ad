"""The circumstances of a measurement (time, commit, machine), and its time limit."""

import os
import platform
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import NoReturn

from benchmarks.scale import Scale
from tools.revision import describe_commit


class TimeIsUp(BaseException):
    """A part exceeded its time limit. No Exception, so that no `except Exception` swallows it."""


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


def describe_circumstances(scale: Scale) -> Mapping[str, str]:
    """Return the facts that two measurements must share to be compared."""
    return {
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": describe_commit(),
        "machine": f"{len(os.sched_getaffinity(0))} cores",
        "Python": platform.python_version(),
        "pace": f"{measure_pace_ms():.1f} ms",
        "scale": scale.name,
    }


def measure_pace_ms() -> float:
    """Return the CPU milliseconds of a fixed piece of Python: the speed of this machine at present."""
    # The best of five: what is slower was disturbed by other programs.
    return min(_work_ms() for _ in range(5))


def _work_ms() -> float:
    started_at = time.process_time()
    table: dict[int, str] = {}
    for number in range(200_000):
        table[number % 997] = str(number)
    return (time.process_time() - started_at) * 1000


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise TimeIsUp
