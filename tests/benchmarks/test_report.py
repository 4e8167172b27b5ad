"""What is written beside the results."""

from pathlib import Path

import pytest

from benchmarks.__main__ import RESULTS, make_results_document
from benchmarks.capacity import BUSY, WAL, project
from benchmarks.report import describe
from benchmarks.result import Result

PURCHASE = Result(
    figures={WAL: 2_000.0},
    tables={"CPU ms per purchase": [{"all": 7.0, "relay": 0.7, "listings-api": 3.5}]},
    circumstances={"machine": "2 cores"},
)


def test_the_document_is_what_the_results_say() -> None:
    assert (RESULTS / "README.md").read_text() == make_results_document()


def test_a_part_says_how_to_repeat_it_and_what_was_wanted() -> None:
    said = describe("quiet", "A quiet shop", Result(figures={"202 to WebSocket, p50 ms": 12.34}))
    assert "`make bench ONLY=quiet`" in said
    assert "| 202 to WebSocket, p50 ms | 12.3 | ≤ 15 |" in said


def test_a_result_is_read_back_as_it_was_saved(tmp_path: Path) -> None:
    PURCHASE.save(tmp_path / "purchase.json")
    assert Result.load(tmp_path / "purchase.json") == PURCHASE


def test_a_hundred_purchases_a_second_of_seven_milliseconds_keep_one_core_busy_as_far_as_one_should_be() -> (
    None
):
    whole, api, relay, log = project(PURCHASE)
    assert [row["what"] for row in (whole, api, relay)] == [
        "all, cores",
        "listings-api, cores",
        "relay, cores",
    ]
    assert whole["1 times, 100/s"] == pytest.approx(0.7 / BUSY)
    assert api["10 times, 1,000/s"] == pytest.approx(3.5 / BUSY)
    assert log["100 times, 10,000/s"] == pytest.approx(20)
