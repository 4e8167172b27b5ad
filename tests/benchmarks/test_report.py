"""The document of all results."""

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


def test_the_document_is_made_of_the_saved_results() -> None:
    assert (RESULTS / "README.md").read_text() == make_results_document()


def test_a_part_names_its_command_and_its_target() -> None:
    text = describe("quiet", "A quiet shop", Result(figures={"202 to WebSocket, p50 ms": 12.34}))
    assert "`make bench ONLY=quiet`" in text
    assert "| 202 to WebSocket, p50 ms | 12.3 | ≤ 15 |" in text


def test_a_result_is_read_back_as_it_was_saved(tmp_path: Path) -> None:
    PURCHASE.save(tmp_path / "purchase.json")
    assert Result.load(tmp_path / "purchase.json") == PURCHASE


def test_a_hundred_purchases_a_second_of_seven_milliseconds_fill_one_core_to_its_limit() -> None:
    whole, api, relay, log = project(PURCHASE)
    assert [row["what"] for row in (whole, api, relay)] == [
        "all, cores",
        "listings-api, cores",
        "relay, cores",
    ]
    assert whole["1 times, 100/s"] == pytest.approx(0.7 / BUSY)
    assert api["10 times, 1,000/s"] == pytest.approx(3.5 / BUSY)
    assert log["100 times, 10,000/s"] == pytest.approx(20)
