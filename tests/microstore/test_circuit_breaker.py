"""What is down is left alone, but for one probe at a time."""

import threading

import pytest

from microstore.http.circuit_breaker import CircuitBreaker, CircuitOpen


class Clock:
    """Time as the test tells it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Midnight."""
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    """Opens after two failures, for 1, 2, 4 and at most 8 seconds."""
    return CircuitBreaker(failures=2, pause_seconds=1, longest_pause_seconds=8, clock=clock)


def fail(breaker: CircuitBreaker) -> None:
    """A call that fails."""
    with pytest.raises(OSError, match="down"), breaker.guard(OSError):
        raise OSError("down")


def succeed(breaker: CircuitBreaker) -> None:
    """A call that succeeds."""
    with breaker.guard(OSError):
        pass


def is_open(breaker: CircuitBreaker) -> bool:
    """Whether a caller is turned away; says nothing of a probe."""
    try:
        fail(breaker)
    except CircuitOpen:
        return True
    return False


def test_a_few_failures_do_not_open_it(breaker: CircuitBreaker) -> None:
    fail(breaker)
    succeed(breaker)
    fail(breaker)
    succeed(breaker)


def test_failures_in_a_row_open_it_and_a_pause_later_one_probe_closes_it(
    breaker: CircuitBreaker, clock: Clock
) -> None:
    fail(breaker)
    fail(breaker)
    with pytest.raises(CircuitOpen):
        succeed(breaker)
    clock.now = 1
    succeed(breaker)
    succeed(breaker)


@pytest.mark.parametrize("pauses", [[1, 2, 4, 8, 8]])
def test_each_failed_probe_doubles_the_pause_up_to_a_limit(
    breaker: CircuitBreaker, clock: Clock, pauses: list[float]
) -> None:
    fail(breaker)
    fail(breaker)
    for pause in pauses:
        clock.now += pause - 0.01
        assert is_open(breaker)
        clock.now += 0.01
        fail(breaker)


def test_while_a_probe_is_under_way_the_others_are_turned_away(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker)
    fail(breaker)
    clock.now = 1
    with breaker.guard(OSError), pytest.raises(CircuitOpen):
        succeed(breaker)


@pytest.mark.parametrize(("asked_for", "granted"), [(20, 20), (0.5, 0.5), (3600, 60)])
def test_it_is_left_alone_for_as_long_as_it_asks_but_not_for_ever(
    breaker: CircuitBreaker, clock: Clock, asked_for: float, granted: float
) -> None:
    breaker.stay_open(asked_for)
    clock.now = granted - 0.01
    with pytest.raises(CircuitOpen):
        succeed(breaker)
    clock.now = granted
    succeed(breaker)
    succeed(breaker)


def test_another_kind_of_fault_is_not_the_dependency_s(breaker: CircuitBreaker) -> None:
    for _ in range(5):
        with pytest.raises(ValueError, match="ours"), breaker.guard(OSError):
            raise ValueError("ours")
    succeed(breaker)


def test_of_many_at_once_one_is_the_probe(breaker: CircuitBreaker, clock: Clock) -> None:
    fail(breaker)
    fail(breaker)
    clock.now = 1
    start, outcomes = threading.Barrier(8), []

    def call() -> None:
        start.wait()
        outcomes.append("turned away" if is_open(breaker) else "probe")

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["probe"] + ["turned away"] * 7
