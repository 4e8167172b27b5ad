"""`python -m stack run`: everything as a person runs it, from the first line to Ctrl-C."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stack.places import ROOT, make_throw_away_folder
from stack.processes.environment import choose_all_ports
from stack.purchase import buy_one_armchair
from stack.waiting import wait_until
from tests.stack.test_servers import run_sql
from tests.stack.traces import processes_of

Command = subprocess.Popen[str]


@pytest.fixture
def folder() -> Iterator[Path]:
    """In place of .run; its name has a space, as a path of a person may have."""
    made = make_throw_away_folder()
    folder = made / "my chairs"
    folder.mkdir(mode=0o711)
    yield folder
    shutil.rmtree(made)


@pytest.fixture
def run(folder: Path) -> Iterator[Callable[[], Command]]:
    """Runs the command, with its files and ports apart from those of this checkout."""
    apart = {
        "MICROSTORE_RUN_FOLDER": str(folder),
        **{name: str(port) for name, port in choose_all_ports().items()},
    }
    started: list[Command] = []

    def start() -> Command:
        started.append(
            subprocess.Popen(
                # As a shell's background job: it ignores SIGINT until the command itself decides.
                ["sh", "-c", "trap '' INT; exec \"$0\" -m stack run", sys.executable],
                cwd=ROOT,
                env={**os.environ, **apart},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        )
        return started[-1]

    yield start
    for command in started:
        command.terminate()
        command.communicate(timeout=150)


def read_until(command: Command, text: str) -> str:
    said = ""
    assert command.stdout
    while text not in said and (line := command.stdout.readline()):
        said += line
    assert text in said, said
    return said


def notified(folder: Path) -> list[object]:
    """Who has a notification of the first purchase."""
    sql = "SELECT username FROM listings_notification JOIN auth_user ON auth_user.id = recipient_id"
    return [name for (name,) in run_sql(database_of(folder), f"{sql} ORDER BY 1")]


def armchairs(folder: Path) -> list[tuple[object, ...]]:
    """Quantity and stock of the armchairs that were demonstrated."""
    sql = "SELECT quantity, available FROM listings_listing WHERE price_cents = 2500"
    return list(run_sql(database_of(folder), sql))


def database_of(folder: Path) -> str:
    variables = (folder / "embedded/listings.env").read_text()
    [url] = re.findall("^DATABASE_URL=(.*)", variables, re.MULTILINE)
    return str(url)


@pytest.mark.timeout(300)
def test_it_sells_an_armchair_survives_a_crash_and_ends_cleanly(
    run: Callable[[], Command], folder: Path
) -> None:
    command = run()
    said = read_until(command, "Ctrl-C ends it")
    assert "no dead-letter exchange" in said
    assert re.search(r"listings-api +listening on http://127.0.0.1:\d+\n", said)
    assert re.search(r"transactions-relay +running\n", said)
    assert re.search(
        r"order [0-9a-f-]{36}, completed\n  trace [0-9a-f]{32}\n  fee +[\d.]+ EUR\n  \d+ ms", said
    )
    assert wait_until(lambda: notified(folder) == ["alice", "bob"], timeout_seconds=30)
    [address] = re.findall(r"listings-api +listening on (http\S+)", said)
    buy_one_armchair(listings_url=address, live_url=address.replace("http", "ws", 1))
    assert armchairs(folder) == [(2, 0)]
    logs = [*folder.glob("**/*.log")]
    assert len(logs) > 10
    assert {oct(log.stat().st_mode & 0o077) for log in logs} == {"0o0"}

    fees = int((folder / "embedded/pids/fees.pid").read_text().split()[0])
    os.kill(fees, signal.SIGKILL)
    said = read_until(command, "fees restarted (pid")
    assert "fees was killed by SIGKILL, is restarted in 1 s" in said

    command.send_signal(signal.SIGINT)
    rest, _ = command.communicate(timeout=150)  # a stop that has to kill somebody in each group takes 120
    assert command.returncode == 0, rest
    assert processes_of(folder) == []


# A file that appears at that moment, or a line that is printed.
MOMENTS = {
    "servers/listings/draft": signal.SIGTERM,
    "servers/listings/data/postmaster.pid": signal.SIGINT,
    "Preparing the databases ...": signal.SIGINT,
    "pids/flower.pid": signal.SIGINT,
}


@pytest.mark.parametrize(("moment", "number"), MOMENTS.items())
def test_ended_while_it_starts_it_leaves_none_behind(
    run: Callable[[], Command], folder: Path, moment: str, number: signal.Signals
) -> None:
    command = run()
    if "/" in moment:
        assert wait_until((folder / "embedded" / moment).exists, timeout_seconds=90)
    else:
        read_until(command, moment)
    # The whole group, as a terminal's Ctrl-C does.
    os.killpg(command.pid, number)
    said, _ = command.communicate(timeout=90)
    assert command.returncode == 128 + number, said
    assert processes_of(folder) == []
