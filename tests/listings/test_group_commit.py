"""What several threads ask at the same moment is asked once."""

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from listings.buying.group_commit import GroupCommit
from stack.waiting import wait_until

PATIENCE_SECONDS = 20


class Clerk:
    """Says tenfold what is asked, fails at negative numbers, and takes as long as it is told to."""

    def __init__(self, *, at_most: int = 100) -> None:
        self.groups: list[list[int]] = []
        self.free = threading.Event()
        self.free.set()
        self.ask_together = GroupCommit(self._ask, at_most=at_most)
        self._threads = ThreadPoolExecutor(50)

    def _ask(self, asked: Sequence[int]) -> list[int]:
        self.groups.append(list(asked))
        assert self.free.wait(PATIENCE_SECONDS)
        if min(asked) < 0:
            raise ValueError(f"{min(asked)} is negative.")
        return [10 * each for each in asked]

    def ask(self, number: int) -> "Future[int]":
        """Ask in a thread of its own, and come back once it waits for its answer."""
        waiting, groups = len(self.ask_together._waiting), len(self.groups)
        answer = self._threads.submit(self.ask_together, number)
        assert wait_until(
            lambda: len(self.ask_together._waiting) > waiting or len(self.groups) > groups,
            timeout_seconds=PATIENCE_SECONDS,
        )
        return answer

    @contextmanager
    def busy(self) -> Iterator["Future[int]"]:
        """While it works on 0: its answer comes at the end."""
        self.free.clear()
        answer = self.ask(0)
        yield answer
        self.free.set()


def answers(futures: Sequence["Future[int]"]) -> list[int]:
    return [future.result(PATIENCE_SECONDS) for future in futures]


def test_who_is_alone_is_served_alone() -> None:
    clerk = Clerk()
    assert [clerk.ask_together(number) for number in (1, 2)] == [10, 20]
    assert clerk.groups == [[1], [2]]


def test_who_comes_while_others_are_served_is_served_with_all_who_came() -> None:
    clerk = Clerk()
    with clerk.busy() as first:
        others = [clerk.ask(number) for number in (1, 2, 3)]
    assert answers([first, *others]) == [0, 10, 20, 30]
    assert clerk.groups == [[0], [1, 2, 3]]


def test_a_group_has_a_largest_size() -> None:
    clerk = Clerk(at_most=2)
    with clerk.busy():
        others = [clerk.ask(number) for number in range(1, 6)]
    assert answers(others) == [10, 20, 30, 40, 50]
    assert clerk.groups == [[0], [1, 2], [3, 4], [5]]


def test_an_error_is_for_all_of_the_group_and_for_no_other() -> None:
    clerk = Clerk(at_most=2)
    with clerk.busy() as first:
        others = [clerk.ask(number) for number in (1, -2, 3)]
    assert answers([first, others[2]]) == [0, 30]
    for future in others[:2]:
        with pytest.raises(ValueError, match="-2 is negative"):
            future.result(PATIENCE_SECONDS)
    assert clerk.ask_together(4) == 40


def test_too_few_answers_leave_nobody_waiting() -> None:
    forgetful = GroupCommit[int, int](lambda asked: [], at_most=2)
    with pytest.raises(ValueError, match="shorter"):
        forgetful(1)
    with pytest.raises(ValueError, match="shorter"):
        forgetful(2)


def test_many_threads_get_each_its_own_answer() -> None:
    clerk = Clerk(at_most=7)
    with ThreadPoolExecutor(30) as threads:
        assert list(threads.map(clerk.ask_together, range(3_000), timeout=60)) == list(range(0, 30_000, 10))
    assert sorted(number for group in clerk.groups for number in group) == list(range(3_000))
    assert max(map(len, clerk.groups)) <= 7
