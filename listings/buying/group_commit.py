"""Group commit: concurrent calls are coalesced into one.

While one thread runs, later callers queue, and the next leader submits them as one batch. A call that meets
no other runs at once: without contention it adds no latency.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")


class Call(Generic[Item, Result]):
    """A caller's item and, later, its result. `turn` is released when it has one, or when it is to lead."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.turn = threading.Lock()
        self.turn.acquire()
        self.is_done = False
        self._result: Result | None = None
        self._error: BaseException | None = None

    def finish(self, result: Result | None, error: BaseException | None = None) -> None:
        """Keep the result, or the exception that stands in its place."""
        self._result, self._error, self.is_done = result, error, True

    def result(self) -> Result:
        """Return the result or raise the exception."""
        if self._error is not None:
            raise self._error
        return cast("Result", self._result)


class GroupCommit(Generic[Item, Result]):
    """Calls `submit` in one thread at a time with the items of concurrent calls, in their order."""

    def __init__(self, submit: Callable[[Sequence[Item]], Sequence[Result]], *, at_most: int) -> None:
        self._submit = submit
        self._at_most = at_most  # items of one submit
        self._mutex = threading.Lock()  # held for a moment only, never while `submit` runs
        self._waiting: deque[Call[Item, Result]] = deque()
        self._has_leader = False

    def __call__(self, item: Item) -> Result:
        """Return the result for this item; raises what `submit` raises, in each thread of the group."""
        call: Call[Item, Result] = Call(item)
        with self._mutex:
            self._waiting.append(call)
            follows, self._has_leader = self._has_leader, True
        if follows:
            call.turn.acquire()
        # A follower whose turn has come without a result is the next leader.
        if not call.is_done:
            self._lead()
        return call.result()

    def _lead(self) -> None:
        with self._mutex:
            # This thread's own call is the first of them: followers get the lead in the order of the queue.
            group = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._at_most))]
        try:
            results = self._submit([call.item for call in group])
            for call, result in zip(group, results, strict=True):
                call.finish(result)
        except BaseException as error:  # noqa: BLE001  # each of them raises it
            for call in group:
                call.finish(None, error)
        with self._mutex:
            # Decided under the mutex: a caller that comes after it finds no leader, and leads itself.
            self._has_leader = bool(self._waiting)
            next_leader = [self._waiting[0]] if self._waiting else []
        # The next leader first: its database work overlaps with the waking of this group.
        for call in [*next_leader, *group]:
            call.turn.release()
