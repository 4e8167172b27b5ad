"""A circuit breaker: after some failures in a row, calls are refused for a while, but for one probe."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LONGEST_RETRY_AFTER_SECONDS = 60


class CircuitOpen(Exception):
    """The dependency failed recently and is not called now."""


class CircuitBreaker:
    """Opens after `failures` failures in a row; then lets one probe through per pause, until one succeeds.

    Threads share it; processes do not. The pause doubles with each failed probe, up to its limit, so that a
    long outage costs next to nothing.
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
        self._open_until = 0.0

    @contextmanager
    def guard(self, *faults: type[BaseException]) -> Iterator[None]:
        """Run the block and count `faults` as failures; raise CircuitOpen instead while it is open."""
        self._enter()
        try:
            yield
        except faults:
            self._fail()
            raise
        self._failures = 0

    def stay_open(self, seconds: float) -> None:
        """Open at once for the dependency's Retry-After, a minute at most."""
        if seconds <= 0:
            return
        with self._lock:
            self._failures = max(self._failures, self._failures_allowed)
            self._open_until = self._clock() + min(seconds, LONGEST_RETRY_AFTER_SECONDS)

    def _enter(self) -> None:
        with self._lock:
            if self._failures < self._failures_allowed:
                return
            if self._clock() < max(self._closed_at, self._open_until):
                raise CircuitOpen
            # This caller is the probe. Set before its outcome is known: other threads are refused meanwhile,
            # and if this one dies in its call, the next probe follows after the pause.
            self._closed_at = self._clock() + self._pause()

    def _fail(self) -> None:
        with self._lock:
            self._failures += 1
            self._closed_at = self._clock() + self._pause()

    def _pause(self) -> float:
        doublings = min(max(self._failures - self._failures_allowed, 0), 10)
        return min(self._shortest * 2.0**doublings, self._longest)
