"""Signals that end a command: SIGTERM unwinds as Ctrl-C does, and cleaning up is not interrupted."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

NUMBERS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def unwound_by_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SystemExit, so that every finally block runs; nohup stays in force."""
    heeded = [number for number in NUMBERS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, _exit) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore the signals that end a command while the block cleans up."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, *NUMBERS)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _exit(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
