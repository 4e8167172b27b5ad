"""What became of every purchase, written down when the whole suite has run."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.market import Market
from tests.support.reliability import write_report
from tests.support.rush import REPORT


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A fault and all that comes of it may take longer than a usual test."""
    for item in items:
        if Path(__file__).parent in item.path.parents and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(300), append=False)


@pytest.fixture(scope="module", autouse=True)
def audit(open_market: Market) -> Iterator[None]:
    """After the faults of a file both databases and the broker agree."""
    yield
    open_market.manage("listings", "audit")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """RELIABILITY_REPORT names the file; a run with a failure or of a part writes none."""
    if (path := os.environ.get("RELIABILITY_REPORT")) and exitstatus == pytest.ExitCode.OK:
        write_report(Path(path), REPORT)
