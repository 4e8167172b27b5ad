"""Ending when told to."""

import signal
import threading


def set_on_signals(stopping: threading.Event) -> None:
    """Set the event at SIGTERM or SIGINT.

    A handler interrupts the main thread, which may hold the lock of the very event that it waits for: setting
    it there would be waiting for itself. So another thread does.
    """
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: threading.Thread(target=stopping.set).start())
