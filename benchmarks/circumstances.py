"""When, where and with what was measured; and for how long at most."""

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
    """A part took longer than it may. No Exception, so that nobody takes it for a fault of theirs."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise TimeIsUp in the block after so many seconds."""
    before = signal.signal(signal.SIGALRM, _end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def describe_circumstances(scale: Scale) -> Mapping[str, str]:
    """What figures of two days must have in common to be compared."""
    return {
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "commit": describe_commit(),
        "machine": f"{len(os.sched_getaffinity(0))} cores",
        "Python": platform.python_version(),
        "pace": f"{measure_pace_ms():.1f} ms",
        "scale": scale.name,
    }


def measure_pace_ms() -> float:
    """CPU time of one fixed piece of Python: how quick this machine and this interpreter are now."""
    return min(_work_ms() for _ in range(5))


def _work_ms() -> float:
    started_at = time.process_time()
    table: dict[int, str] = {}
    for number in range(200_000):
        table[number % 997] = str(number)
    return (time.process_time() - started_at) * 1000


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise TimeIsUp
