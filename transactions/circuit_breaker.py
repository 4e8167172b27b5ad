"""Leaving alone what is down: after a failure nobody asks again for a while, and then one does."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONGEST_WISH_SECONDS = 60


class CircuitOpen(Exception):
    """It failed a moment ago and is not asked now."""


class CircuitBreaker:
    """Opens after some failures in a row; then lets one probe through per pause, until one succeeds.

    One a process: the pause grows with each failed probe, so a long outage costs next to nothing.
    """

    def __init__(
        self,
        *,
        failures: int = 3,
        pause_seconds: float = 1,
        longest_pause_seconds: float = 10,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures_allowed = failures
        self._shortest, self._longest = pause_seconds, longest_pause_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._closed_at = 0.0
        self._asked_until = 0.0

    @contextmanager
    def guard(self, *faults: type[BaseException]) -> Iterator[None]:
        """Count how the block ends; raises CircuitOpen instead of entering it while the circuit is open."""
        self._enter()
        try:
            yield
        except faults:
            self._fail()
            raise
        self._failures = 0

    def leave_alone(self, seconds: float) -> None:
        """Open at once for as long as the dependency itself has asked for, a minute at most."""
        if seconds <= 0:
            return
        with self._lock:
            self._failures = max(self._failures, self._failures_allowed)
            self._asked_until = self._clock() + min(seconds, LONGEST_WISH_SECONDS)

    def _enter(self) -> None:
        with self._lock:
            if self._failures < self._failures_allowed:
                return
            if self._clock() < max(self._closed_at, self._asked_until):
                raise CircuitOpen
            # This caller is the probe; the others wait for what becomes of it.
            self._closed_at = self._clock() + self._pause()

    def _fail(self) -> None:
        with self._lock:
            self._failures += 1
            self._closed_at = self._clock() + self._pause()

    def _pause(self) -> float:
        doublings = min(max(self._failures - self._failures_allowed, 0), 10)
        return min(self._shortest * 2.0**doublings, self._longest)
