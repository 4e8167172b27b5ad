"""Which live events a process has told its sockets, in little memory however long it runs."""

from collections.abc import Iterable

# Numbers are drawn before the commit, so a lower one may still appear; later than this it never does.
GAP_SECONDS = 30


class Heard:
    """All seqs up to `complete` have been told, or will never come; beyond it, those that are known."""

    def __init__(self) -> None:
        self.complete = 0
        self._beyond: dict[int, float] = {}  # when each was heard

    def __contains__(self, seq: int) -> bool:
        return seq <= self.complete or seq in self._beyond

    @property
    def newest(self) -> int:
        """The highest of all."""
        return max(self._beyond, default=self.complete)

    def begin(self, seqs: Iterable[int], *, now: float) -> None:
        """Take these, the latest that there are, as told; and whatever came before them."""
        known = list(seqs)
        self.complete, self._beyond = min(known, default=1) - 1, {}
        self.add(known, now=now)

    def add(self, seqs: Iterable[int], *, now: float) -> None:
        """These are told now. What is missing before one that was told long ago is given up."""
        self._beyond |= {seq: now for seq in seqs if seq not in self}
        for seq in sorted(self._beyond):
            if seq > self.complete + 1 and now - self._beyond[seq] < GAP_SECONDS:
                return
            self.complete = seq
            del self._beyond[seq]
