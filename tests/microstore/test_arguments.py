"""Arguments of commands are checked by their form and bounds before anything is done."""

import argparse

import pytest

from microstore.environment import LONGEST_SECONDS, read_interval, read_seconds


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "-1", "1e300", "", "soon", "1_0_s", "0x10"])
def test_what_is_no_number_of_seconds_is_refused(text: str) -> None:
    for read in (read_seconds, read_interval):
        with pytest.raises(argparse.ArgumentTypeError, match="is no number of seconds"):
            read(text)


def test_rounds_without_a_pause_are_refused() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"from 0\.01 to ten years"):
        read_interval("0")
    assert (read_seconds("0"), read_interval("0.05"), read_seconds("3e8")) == (0, 0.05, 3e8)
    assert read_seconds(str(LONGEST_SECONDS)) == LONGEST_SECONDS
