"""Heartbeat of a process without an address: a file that it touches while it does its work."""

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
    """Record that the process works: in its metric, and by touching HEARTBEAT_FILE."""
    HEARTBEAT.set_to_current_time()
    if settings.HEARTBEAT_FILE:
        Path(settings.HEARTBEAT_FILE).touch()


def seconds_since_beat() -> float | None:
    """Return the seconds since HEARTBEAT_FILE was touched; None where it does not exist."""
    try:
        return time.time() - Path(settings.HEARTBEAT_FILE).stat().st_mtime
    except OSError:
        return None
