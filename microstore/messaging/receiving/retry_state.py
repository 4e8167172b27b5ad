"""Attempts and waiting of a message, which travel with it."""

import time
from typing import Any, NamedTuple

OUTAGE_DELAY_SECONDS = 60  # between two attempts, at most


class RetryState(NamedTuple):
    """Attempts and waiting of a message so far; it travels in the task's arguments, which no retry loses."""

    attempts: int = 0
    waited_seconds: float = 0  # in outages; a duration, since clocks of hosts differ
    failing_since: float | None = None  # Unix time at which an outage began, in messages of earlier releases

    def to_wire(self) -> dict[str, Any]:
        """Return the keyword arguments; an earlier release refuses those that it does not know."""
        waited = {"waited_seconds": self.waited_seconds} if self.waited_seconds else {}
        return {"attempts": self.attempts, **waited}

    def waited(self) -> float:
        """Return the seconds waited so far, of a message of an earlier release one delay at most."""
        if self.failing_since is None:
            return self.waited_seconds
        return min(max(time.time() - self.failing_since, 0), OUTAGE_DELAY_SECONDS)
