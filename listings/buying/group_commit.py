"""Group commit: what several threads ask at the same moment, one of them asks for all.

Nobody waits for company. Who comes first asks at once, and those who come meanwhile ask together when that is
done: so the more there are, the less each costs, and who is alone is served as if there were no group.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Seat(Generic[Asked, Answer]):
    """One who asks. `turn` opens when there is an answer, or when it is this one's turn to ask."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.turn = threading.Lock()
        self.turn.acquire()
        self.is_served = False
        self._answer: Answer | None = None
        self._error: BaseException | None = None

    def serve(self, answer: Answer | None, error: BaseException | None = None) -> None:
        """Leave the answer, or what is to be raised in its place."""
        self._answer, self._error, self.is_served = answer, error, True

    def outcome(self) -> Answer:
        """The answer; or raises what was raised."""
        if self._error is not None:
            raise self._error
        return cast("Answer", self._answer)


class GroupCommit(Generic[Asked, Answer]):
    """Calls `ask` in one thread at a time, with what threads have asked, in their order, so many at most."""

    def __init__(self, ask: Callable[[Sequence[Asked]], Sequence[Answer]], *, at_most: int) -> None:
        self._ask = ask
        self._at_most = at_most
        self._mutex = threading.Lock()
        self._waiting: deque[Seat[Asked, Answer]] = deque()
        self._is_led = False

    def __call__(self, asked: Asked) -> Answer:
        """The answer to this; raises what `ask` raises, as does each of the group."""
        seat: Seat[Asked, Answer] = Seat(asked)
        with self._mutex:
            self._waiting.append(seat)
            follows, self._is_led = self._is_led, True
        if follows:
            seat.turn.acquire()
        if not seat.is_served:
            self._lead()
        return seat.outcome()

    def _lead(self) -> None:
        """Ask for the first of those who wait, this thread's among them; then the next who waits leads."""
        with self._mutex:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._at_most))]
        try:
            answers = self._ask([seat.asked for seat in group])
            for seat, answer in zip(group, answers, strict=True):
                seat.serve(answer)
        except BaseException as error:  # noqa: BLE001  # each of them raises it
            for seat in group:
                seat.serve(None, error)
        with self._mutex:
            self._is_led = bool(self._waiting)
            next_leader = [self._waiting[0]] if self._waiting else []
        for seat in [*next_leader, *group]:
            seat.turn.release()
