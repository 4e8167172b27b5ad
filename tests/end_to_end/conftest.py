"""One market for all end-to-end tests; each finds it whole."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from stack.servers.private import FOLDER, RealServers
from stack.servers.throw_away import throw_away_servers
from tests.support import pictures_of_pages
from tests.support.market import Market, Person
from tests.support.storefront import Storefront


@contextmanager
def own_services() -> Iterator[RealServers]:
    """The servers of `make test`, or new ones: these tests stop and wipe them, so never somebody else's."""
    if FOLDER in os.environ:
        yield RealServers.at(Path(os.environ[FOLDER]))
    else:
        with throw_away_servers() as services:
            yield services


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One browser program for all tests of a module."""
    with pictures_of_pages.chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def storefront() -> Iterator[str]:
    """The address of an empty page on an origin of its own, which the services let in."""
    with Storefront() as page:
        yield page.origin


@pytest.fixture(scope="session")
def open_market(tmp_path_factory: pytest.TempPathFactory, storefront: str) -> Iterator[Market]:
    """Every process on real servers."""
    with own_services() as services:
        folder: Path = tmp_path_factory.mktemp("market")
        changed = {
            "FEES_READ_TIMEOUT_SECONDS": "2",
            "RETRY_DELAYS_SECONDS": "1,2",  # five attempts take 155 s otherwise
            "HOLD_DAYS": "0",  # payouts of what is sold a moment ago
            "STOREFRONT_ORIGINS": storefront,
            "EMAIL_URL": f"filemail:///{folder}/mail",
        }
        market = Market(services, folder, CURRENCIES="EUR,JPY,KWD,XTS", **changed)
        try:
            market.open()
            yield market
        finally:
            market.close()
        # Every process has had its rights of production, and no test may need more. A relay that misses
        # a queue tries all the same, and logs that it may not.
        lines = {name: market.stack.log(name).splitlines() for name in market.stack.commands}
        refused = {
            (name, line)
            for name in lines
            for line in lines[name]
            if "ACCESS_REFUSED" in line and "not_declared" not in line
        }
        assert refused == set()


@pytest.fixture
def market(open_market: Market) -> Iterator[Market]:
    """The market, whole again after what the test has done to it."""
    yield open_market
    open_market.repair()


@pytest.fixture
def seller(market: Market) -> Person:
    """Somebody who sells."""
    return market.add_people(1)[0]


@pytest.fixture
def buyer(market: Market) -> Person:
    """Somebody who buys."""
    return market.add_people(1)[0]
