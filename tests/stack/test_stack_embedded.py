"""`python -m stack run`: everything as a person runs it, from the first line to Ctrl-C."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stack.environment import choose_all_ports
from stack.places import ROOT
from stack.waiting import wait_until
from tests.stack.traces import processes_of


@pytest.fixture
def command(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """The command, with its files and ports apart from those of this checkout."""
    apart = {
        "MICROSTORE_RUN_FOLDER": str(tmp_path),
        **{name: str(port) for name, port in choose_all_ports().items()},
    }
    # Where tests run in a shell's background SIGINT is ignored, and a child would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [sys.executable, "-m", "stack", "run"],
        cwd=ROOT,
        env={**os.environ, **apart},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process
        process.terminate()


def read_until(command: "subprocess.Popen[str]", text: str) -> str:
    said = ""
    assert command.stdout
    while text not in said and (line := command.stdout.readline()):
        said += line
    assert text in said, said
    return said


def told(folder: Path) -> list[str]:
    """Who has a notification."""
    sql = (
        "SELECT username FROM listings_notification JOIN auth_user ON auth_user.id = recipient_id ORDER BY 1"
    )
    with closing(sqlite3.connect(folder / "embedded/listings.sqlite3")) as database:
        return [name for (name,) in database.execute(sql)]


@pytest.mark.timeout(300)
def test_it_sells_an_armchair_survives_a_crash_and_ends_cleanly(
    command: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    said = read_until(command, "Ctrl-C ends it")
    assert "no dead-letter exchange" in said
    assert re.search(r"listings-api +listening on http://127.0.0.1:\d+\n", said)
    assert re.search(r"transactions-relay +running\n", said)
    assert re.search(
        r"order [0-9a-f-]{36}, completed\n  trace [0-9a-f]{32}\n  fee +[\d.]+ EUR\n  \d+ ms", said
    )
    assert wait_until(lambda: told(tmp_path) == ["alice", "bob"], timeout_seconds=30)

    fees = int((tmp_path / "embedded/pids/fees.pid").read_text().split()[0])
    os.kill(fees, signal.SIGKILL)
    said = read_until(command, "fees restarted (pid")
    assert "fees was killed by SIGKILL, is restarted in 1 s" in said

    command.send_signal(signal.SIGINT)
    rest, _ = command.communicate(timeout=150)  # a stop that has to kill somebody in each group takes 120
    assert command.returncode == 0, rest
    assert processes_of(tmp_path) == []
