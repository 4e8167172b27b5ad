"""A file that a process without an address touches while it does its work."""

import time
from pathlib import Path

from django.conf import settings


def beat() -> None:
    """Say that the work goes on, where HEARTBEAT_FILE tells to."""
    if settings.HEARTBEAT_FILE:
        Path(settings.HEARTBEAT_FILE).touch()


def seconds_since_beat() -> float | None:
    """How long ago that was; None for never."""
    try:
        return time.time() - Path(settings.HEARTBEAT_FILE).stat().st_mtime
    except OSError:
        return None
