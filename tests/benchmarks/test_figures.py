"""Percentiles, medians, and the highest rate that held."""

import math

import pytest

from benchmarks.figures import highest_rate, medians, percentile, spread


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 50), (99, 99), (100, 100), (1, 1), (99.5, 100), (0, 1)]
)
def test_a_percentile_is_a_value_that_was_measured(percent: float, expected: float) -> None:
    assert percentile(range(100, 0, -1), percent) == expected


def test_the_percentiles_of_one_value_are_that_value_and_of_none_there_are_none() -> None:
    assert percentile([7], 99) == percentile([7], 50) == 7
    assert math.isnan(percentile([], 50))


def test_a_spread_is_in_milliseconds() -> None:
    seconds = [0.001, 0.002, 0.5]
    assert spread(seconds, prefix="http") == {"http_p50_ms": 2, "http_p99_ms": 500, "http_max_ms": 500}


def test_medians_are_of_each_figure_and_a_run_without_it_counts_as_nought() -> None:
    runs = [{"api": 1, "relay": 9}, {"api": 3, "relay": 2}, {"api": 2}]
    assert medians(runs) == {"api": 2, "relay": 2}


def test_a_rate_counts_only_below_the_first_that_failed() -> None:
    assert highest_rate({100: True, 200: True, 400: False, 800: True}) == 200
    assert highest_rate({100: False}) == 0
    assert highest_rate({100: True, 200: True}) == 200
