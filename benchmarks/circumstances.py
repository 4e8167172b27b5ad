"""The circumstances of a measurement: time, commit, machine."""

import os
import platform
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from benchmarks.scale import Scale
from tools.revision import describe_commit


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
