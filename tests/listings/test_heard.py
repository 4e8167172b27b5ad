"""What was heard is remembered as long as something before it may still come, and no longer."""

from listings.websockets.seen import GAP_SECONDS, Heard


def heard_after(*seqs: int, begin: tuple[int, ...] = ()) -> Heard:
    heard = Heard()
    heard.begin(begin, now=0)
    heard.add(seqs, now=0)
    return heard


def test_without_gaps_nothing_is_looked_for_again() -> None:
    heard = heard_after(3, 1, 2)
    assert heard.complete == heard.newest == 3


def test_what_is_missing_is_looked_for_until_it_comes() -> None:
    heard = heard_after(1, 2, 4, 5)
    assert (heard.complete, heard.newest) == (2, 5)
    assert 3 not in heard
    assert 5 in heard
    heard.add([3], now=1)
    assert heard.complete == 5


def test_a_number_that_was_drawn_and_never_used_is_given_up() -> None:
    heard = heard_after(1, 3, 5)
    heard.add([6], now=GAP_SECONDS - 1)
    assert heard.complete == 1
    heard.add([], now=GAP_SECONDS)
    assert heard.complete == 6
    assert 2 in heard


def test_a_hub_that_wakes_takes_what_there_is_for_told_and_looks_into_its_gaps() -> None:
    heard = heard_after(begin=(9, 8, 6))
    assert (heard.complete, heard.newest) == (6, 9)
    assert 5 in heard
    assert 7 not in heard
