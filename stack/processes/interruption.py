"""Signals that end a command: SIGTERM unwinds as Ctrl-C does, and cleaning up is not interrupted."""

import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn

NUMBERS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def unwound_by_signals() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into SystemExit, so that every finally block runs; nohup stays in force."""
    with _handled([each for each in NUMBERS if signal.getsignal(each) is not signal.SIG_IGN], _exit):
        yield


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore the signals that end a command while the block cleans up."""
    with _handled((signal.SIGINT, *NUMBERS), signal.SIG_IGN):
        yield


@contextmanager
def _handled(numbers: Iterable[int], handler: Any) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


@contextmanager
def held_back() -> Iterator[None]:
    """Delay the signals that end a command until the block has ended; children take them at once."""
    # Threads are not interrupted by signals, and may not set handlers.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    # A handler, where a mask or SIG_IGN would be inherited by the child, and outlast the block there.
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *NUMBERS)}
    heeded = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])
        for late in came:
            signal.raise_signal(late)


def _exit(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)
