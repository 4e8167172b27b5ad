"""Processes that a test starts, and that end with it."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from signal import SIGKILL
from typing import Any

from stack.processes.process_table import family_of, signal_processes


@contextmanager
def child(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process of this command, which reads and writes text; killed at the end, with its own children."""
    process = subprocess.Popen(command, text=True, **options)
    # `with process` would wait for it, and a test that has failed for its time would have no limit any more.
    try:
        yield process
    finally:
        signal_processes(family_of(process.pid), SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
