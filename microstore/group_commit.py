"""Group commit: what several threads ask at the same moment, one of them asks for all.

Nobody waits for company. Who comes first asks at once, and those who come meanwhile ask together when it is done: so
the more are there, the fewer commits each of them costs, and who is alone is served as if there were no group.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Seat(Generic[Asked, Answer]):
    """One who asks. `turn` opens when there is an answer, or when it is for this one to ask."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.turn = threading.Lock()
        self.turn.acquire()
        self.answers: list[Answer] = []
        self.error: BaseException | None = None

    @property
    def is_served(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.answers) or self.error is not None

    def outcome(self) -> Answer:
        """The answer, or raises what was raised instead of it."""
        if self.error is not None:
            raise self.error
        return self.answers[0]


class GroupCommit(Generic[Asked, Answer]):
    """Calls `ask`, in one thread at a time, with what several threads have asked, at most so many; in their order."""

    def __init__(self, ask: Callable[[Sequence[Asked]], Sequence[Answer]], *, at_most: int) -> None:
        self._ask = ask
        self._at_most = at_most
        self._mutex = threading.Lock()
        self._waiting: deque[Seat[Asked, Answer]] = deque()
        self._is_led = False

    def __call__(self, asked: Asked) -> Answer:
        """The answer; raises what `ask` raises, to each of the group."""
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
        """Ask for all who wait, oneself among them; then let the next of those who came meanwhile lead."""
        with self._mutex:
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._at_most))]
        try:
            answers = self._ask([seat.asked for seat in group])
            for seat, answer in zip(group, answers, strict=True):
                seat.answers.append(answer)
        except BaseException as error:  # noqa: BLE001  # each of them raises it
            for seat in group:
                seat.error = error
        with self._mutex:
            self._is_led = bool(self._waiting)
            woken = [self._waiting[0], *group] if self._is_led else group
        for seat in woken:
            seat.turn.release()
