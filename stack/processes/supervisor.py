"""Restarts of processes that die."""

import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stack.processes.stack import Stack

LOOK_EVERY_SECONDS = 0.2
STABLE_AFTER_SECONDS = 60


@dataclass
class Care:
    """The recent deaths of one process."""

    started_at: float
    deaths: int = 0
    due_at: float | None = None


class Supervisor:
    """Restarts what dies unexpectedly, after growing pauses, and prints each death."""

    def __init__(
        self,
        stack: Stack,
        *,
        say: Callable[[str], None] = print,
        pauses_seconds: Sequence[float] = (1, 2, 5, 10, 30),
    ) -> None:
        self._stack = stack
        self._say = say
        self._pauses_seconds = pauses_seconds
        self._care = {name: Care(started_at=time.monotonic()) for name in stack.commands}

    def watch(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Restart dead processes until the condition holds, by default for ever."""
        while not until():
            for name in self._stack.commands:
                self._look_at(name)
            time.sleep(LOOK_EVERY_SECONDS)

    def _look_at(self, name: str) -> None:
        care = self._care[name]
        if care.due_at is None and self._stack.pid(name) is None:
            self._plan_restart(name, care)
        elif care.due_at is not None and care.due_at <= time.monotonic():
            self._restart(name, care)

    def _plan_restart(self, name: str, care: Care) -> None:
        now = time.monotonic()
        care.deaths = 1 if now - care.started_at > STABLE_AFTER_SECONDS else care.deaths + 1
        pause_seconds = self._pauses_seconds[min(care.deaths, len(self._pauses_seconds)) - 1]
        care.due_at = now + pause_seconds
        daemon = self._stack[name]
        # A worker's children must not go on beside those of its successor.
        daemon.sweep()
        how = describe_end(daemon.await_exit_code())
        self._say(f"{name} {how}, is restarted in {pause_seconds} s; {daemon.log_file}:\n{daemon.tail_log()}")

    def _restart(self, name: str, care: Care) -> None:
        care.started_at, care.due_at = time.monotonic(), None
        self._stack.start(name)
        self._say(f"{name} restarted (pid {self._stack.pid(name)})")


def describe_end(code: int | None) -> str:
    """Return in words how a process ended."""
    if code is None:
        return "is gone"
    return f"ended with exit code {code}" if code >= 0 else f"was killed by {signal.Signals(-code).name}"
