"""A seq that was seen is kept as long as a lower one may still appear, and no longer."""

from listings.websockets.seen import GAP_SECONDS, REMEMBERED_GAPS, SeenSequence


def seen_after(*seqs: int, begin: tuple[int, ...] = ()) -> SeenSequence:
    seen = SeenSequence()
    seen.begin(begin, now=0)
    seen.add(seqs, now=0)
    return seen


def test_without_gaps_nothing_is_looked_for_again() -> None:
    seen = seen_after(3, 1, 2)
    assert seen.complete == seen.newest == 3


def test_what_is_missing_is_looked_for_until_it_comes() -> None:
    seen = seen_after(1, 2, 4, 5)
    assert (seen.complete, seen.newest) == (2, 5)
    assert 3 not in seen
    assert 5 in seen
    seen.add([3], now=1)
    assert seen.complete == 5


def test_a_number_that_was_drawn_and_never_used_is_given_up() -> None:
    seen = seen_after(1, 3, 5)
    seen.add([6], now=GAP_SECONDS - 1)
    assert seen.complete == 1
    seen.add([], now=GAP_SECONDS)
    assert seen.complete == 6
    assert 2 not in seen  # its worker was paused: it may still be pushed
    seen.add([2], now=GAP_SECONDS)
    assert 2 in seen
    assert seen.complete == 6


def test_of_what_was_given_up_the_latest_are_remembered() -> None:
    seen = seen_after(1, 3 * REMEMBERED_GAPS)
    seen.add([3 * REMEMBERED_GAPS + 2], now=GAP_SECONDS)
    seen.add([], now=2 * GAP_SECONDS)
    missing = [seq for seq in range(2, 3 * REMEMBERED_GAPS + 2) if seq not in seen]
    assert len(missing) == REMEMBERED_GAPS
    assert missing[-1] == 3 * REMEMBERED_GAPS + 1


def test_a_hub_that_wakes_takes_what_there_is_for_told_and_looks_into_its_gaps() -> None:
    seen = seen_after(begin=(9, 8, 6))
    assert (seen.complete, seen.newest) == (6, 9)
    assert 5 in seen
    assert 7 not in seen
