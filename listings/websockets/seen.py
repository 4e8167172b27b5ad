"""The live events that a process has sent to its sockets, in bounded memory."""

from collections.abc import Iterable

# A seq is drawn at the insert and visible at the commit, so a lower one may become visible after a higher
# one. One that is missing for longer than this is taken for rolled back: its seq stays unused.
GAP_SECONDS = 30


class SeenSequence:
    """The seqs that were seen: all up to `complete`, and single ones beyond it, each with its time."""

    def __init__(self) -> None:
        self.complete = 0
        self._beyond: dict[int, float] = {}

    def __contains__(self, seq: int) -> bool:
        return seq <= self.complete or seq in self._beyond

    @property
    def newest(self) -> int:
        """The highest seq that was seen; 0 at first."""
        return max(self._beyond, default=self.complete)

    def begin(self, seqs: Iterable[int], *, now: float) -> None:
        """Forget everything, then count the latest seqs of the table and all before them as seen."""
        known = list(seqs)
        self.complete, self._beyond = min(known, default=1) - 1, {}
        self.add(known, now=now)

    def add(self, seqs: Iterable[int], *, now: float) -> None:
        """Count these as seen at `now`, in seconds of a monotonic clock, and close gaps that are too old."""
        self._beyond |= {seq: now for seq in seqs if seq not in self}
        # Only gaps keep entries in memory: whatever follows `complete` without one is merged into it.
        for seq in sorted(self._beyond):
            if seq > self.complete + 1 and now - self._beyond[seq] < GAP_SECONDS:
                return
            self.complete = seq
            del self._beyond[seq]
