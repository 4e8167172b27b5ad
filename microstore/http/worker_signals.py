"""Signals that come while a web server's worker loads the application."""

import signal
from multiprocessing import parent_process


def end_on_signals() -> None:
    """Have SIGTERM and SIGINT end this worker at once, until its server sets handlers of its own."""
    # granian forks its workers with the handlers of their parent, which note a signal for the parent's loop
    # alone. A worker lost it so, and the parent, which had sent it, waited for the worker without end.
    if parent_process():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
