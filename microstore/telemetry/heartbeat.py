"""A file that a process without an address touches while it does its work."""

import time
from pathlib import Path

from django.conf import settings

from microstore.metrics import Gauge

HEARTBEAT = Gauge(
    "microstore_heartbeat_timestamp_seconds",
    "When a worker or relay last did its work, in Unix time.",
    multiprocess_mode="max",
)


def beat() -> None:
    """Say that the work goes on: to Prometheus, and in the file that HEARTBEAT_FILE names."""
    HEARTBEAT.set_to_current_time()
    if settings.HEARTBEAT_FILE:
        Path(settings.HEARTBEAT_FILE).touch()


def seconds_since_beat() -> float | None:
    """How long ago that was; None for never."""
    try:
        return time.time() - Path(settings.HEARTBEAT_FILE).stat().st_mtime
    except OSError:
        return None
