"""A pytest plugin: what failed is added to the file that FAILURES_FILE names, too.

`make test` runs its parts side by side, and ends with what they have added: it stands far above otherwise.
"""

import os
from pathlib import Path

import pytest

NAMED = os.environ.pop("FAILURES_FILE", None)  # not for the pytest that a test starts
FILE = Path(NAMED).resolve() if NAMED else None


def open_for_stacks() -> int:
    """Return a descriptor for the stacks of a run that hangs: the file's, or that of standard error."""
    # Duplicated, since pytest replaces standard error while a test runs.
    return os.open(FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT) if FILE else os.dup(2)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add the failures of this run."""
    if FILE:
        with FILE.open("a") as file:
            for outcome in ("failed", "error"):
                for report in terminalreporter.getreports(outcome):
                    file.write(f"{outcome}: {report.nodeid}\n{report.longreprtext[-4_000:]}\n\n")
