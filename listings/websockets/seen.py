"""The live events that a process has sent to its sockets, in bounded memory."""

from collections.abc import Iterable

# A seq is drawn at the insert and visible at the commit, so a lower one may become visible after a higher
# one. One that is missing for longer than this is taken for rolled back: its seq stays unused. A worker that
# was paused for longer still pushes it, so the latest of these are not taken for duplicates.
GAP_SECONDS = 30
REMEMBERED_GAPS = 1_000


class SeenSequence:
    """The seqs that were seen: all up to `complete`, and single ones beyond it, each with its time."""

    def __init__(self) -> None:
        self.complete = 0
        self._beyond: dict[int, float] = {}
        self._given_up: dict[int, None] = {}

    def __contains__(self, seq: int) -> bool:
        return (seq <= self.complete and seq not in self._given_up) or seq in self._beyond

    @property
    def newest(self) -> int:
        """The highest seq that was seen; 0 at first."""
        return max(self._beyond, default=self.complete)

    def begin(self, seqs: Iterable[int], *, now: float) -> None:
        """Forget everything, then count the latest seqs of the table and all before them as seen."""
        known = list(seqs)
        self.complete, self._beyond, self._given_up = min(known, default=1) - 1, {}, {}
        self.add(known, now=now)

    def add(self, seqs: Iterable[int], *, now: float) -> None:
        """Count these as seen at `now`, in seconds of a monotonic clock, and close gaps that are too old."""
        for seq in seqs:
            if seq in self._given_up:
                del self._given_up[seq]
            elif seq not in self:
                self._beyond[seq] = now
        # Only gaps keep entries in memory: whatever follows `complete` without one is merged into it.
        for seq in sorted(self._beyond):
            if seq > self.complete + 1 and now - self._beyond[seq] < GAP_SECONDS:
                return
            self._give_up(range(self.complete + 1, seq))
            self.complete = seq
            del self._beyond[seq]

    def _give_up(self, gap: range) -> None:
        self._given_up |= dict.fromkeys(gap[-REMEMBERED_GAPS:])
        for seq in list(self._given_up)[:-REMEMBERED_GAPS]:
            del self._given_up[seq]
