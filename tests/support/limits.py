"""A pytest plugin: a run that hangs ends with the stacks of all threads.

pytest-timeout raises an exception in the main thread, once a test. A call of libpq never sees it, an event
loop swallows it, and the teardown after it has no limit any more; nor have collecting and the end of the run.
"""

import faulthandler

import pytest
from pytest_timeout import is_debugging

from tests.support.failures import open_for_stacks

STACKS = open_for_stacks()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting: seconds beyond a test's own time limit until the whole run is ended."""
    parser.addini(
        "grace_seconds", "seconds beyond a test's time limit until the whole run is ended", default=60
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Limit the time of collecting."""
    config = session.config
    end_after(float(config.getini("timeout")) + float(config.getini("grace_seconds")))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Limit the time of a test's fixtures."""
    end_after(limit_of(item))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Limit the time of a test."""
    end_after(limit_of(item))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Limit the time in which fixtures end, anew: pytest ends the limit of a test that has failed."""
    end_after(limit_of(item))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Limit the time until the process is gone."""
    end_after(float(session.config.getini("grace_seconds")))


def limit_of(item: pytest.Item) -> float:
    """Return the seconds after which the whole run is ended because of this test; 0 for none."""
    config, marker = item.config, item.get_closest_marker("timeout")
    given = config.getoption("timeout")
    seconds = float(marker.args[0] if marker else config.getini("timeout") if given is None else given)
    return seconds and seconds + float(config.getini("grace_seconds"))


def end_after(seconds: float) -> None:
    """End the process then, by a thread that needs no interpreter lock; replaces what was set before."""
    if seconds and not is_debugging():
        faulthandler.dump_traceback_later(seconds, exit=True, file=STACKS)
    else:
        faulthandler.cancel_dump_traceback_later()
