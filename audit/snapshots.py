"""Snapshots of both databases, taken in an order in which no purchase under way looks wrong."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta

from audit.snapshot import Snapshot


@dataclass(frozen=True)
class Limits:
    """Ages beyond which something that waits counts as stuck."""

    pending: timedelta
    outbox: timedelta
    live_events: timedelta  # kept at least so long


class Snapshots:
    """A purchase goes listings → transactions → listings, so the snapshots are taken in that order.

    An order that the first snapshot shows as completed has its transaction in the second, which is younger.
    The opposite does not hold: a transaction may belong to an order made after the first snapshot. Before it
    counts as an orphan, its order is looked up in a third one, which is younger than both. No clock decides.
    A standby that lags would break this, and is refused.
    """

    def __init__(self, opened: ExitStack, urls: dict[str, str], limits: Limits) -> None:
        self._opened, self._urls = opened, urls
        self._later: Snapshot | None = None
        self.listings = opened.enter_context(Snapshot(urls["listings"]))
        self.transactions = opened.enter_context(Snapshot(urls["transactions"]))
        self.limits = limits

    def listings_later(self) -> Snapshot:
        """Return the listings database as it was after `transactions` was taken."""
        # Taken only when an orphan is found: a healthy audit opens two connections and not three.
        if self._later is None:
            self._later = self._opened.enter_context(Snapshot(self._urls["listings"]))
        return self._later


@contextmanager
def open_snapshots(urls: dict[str, str], limits: Limits) -> Iterator[Snapshots]:
    """Take the snapshots of the databases, by service, and close their connections afterwards."""
    with ExitStack() as opened:
        yield Snapshots(opened, urls, limits)
