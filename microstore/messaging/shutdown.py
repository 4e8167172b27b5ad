"""Graceful shutdown on SIGTERM and SIGINT."""

import signal
import threading


def set_on_signals(stopping: threading.Event) -> None:
    """Set the event on SIGTERM or SIGINT."""
    # A handler interrupts the main thread, which may hold the lock of the event that it waits on: `set` would
    # deadlock there, so another thread calls it.
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: threading.Thread(target=stopping.set).start())
