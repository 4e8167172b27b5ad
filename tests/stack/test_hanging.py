"""Whatever hangs is ended, and shows where it hung."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

from stack.places import ROOT
from stack.servers.private import RealServers
from tests.stack.test_servers import EXEC

SETTINGS = "[pytest]\naddopts = -p tests.support.limits -p no:django\ntimeout = 1\ngrace_seconds = 1\n"
ENDS_WITHIN_SECONDS = 100  # two or three where nothing else runs
HANGS = {
    "a call that no signal interrupts, as those of libpq": """
        def test_sofa():
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
            hang()
        """,
    "the teardown of a test that has failed by its time limit": """
        @pytest.fixture
        def sofa():
            yield
            hang()
        def test_sofa(sofa):
            hang()
        """,
    "a server that ignores SIGTERM": """
        @pytest.fixture(scope="session")
        def sofa():
            with subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 1000; sleep 1000"]) as server:
                yield
                try:
                    server.terminate()
                    server.wait()
                finally:
                    server.wait()
        def test_sofa(sofa):
            pass
        """,
    "a thread after the last test": """
        def test_sofa():
            threading.Thread(target=hang).start()
        """,
    "an import": "hang()",
}
HEAD = """
import signal, subprocess, threading, pytest
def hang():
    threading.Event().wait()
"""


def run_tests(folder: Path, name: str, text: str) -> "subprocess.Popen[bytes]":
    """Run these tests; `said` in the folder of this name gets what they print."""
    place = folder / name
    place.mkdir()
    (place / "pytest.ini").write_text(SETTINGS)
    (place / "test_sofa.py").write_text(HEAD + dedent(text))
    given = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-m", "pytest"]
    with (place / "said").open("w") as said:
        return subprocess.Popen(
            command, cwd=place, env=given, stdout=said, stderr=said, start_new_session=True
        )


def test_a_run_of_tests_that_hangs_ends_with_the_stacks_of_its_threads(tmp_path: Path) -> None:
    runs = {name: run_tests(tmp_path, name, text) for name, text in HANGS.items()}
    try:
        assert [run.wait(ENDS_WITHIN_SECONDS) for run in runs.values()] == [1] * len(HANGS)
    finally:
        for run in runs.values():
            with suppress(ProcessLookupError):  # a server stays, which `stack exec` would end
                os.killpg(run.pid, signal.SIGKILL)
            run.wait()
    for name in HANGS:
        _, _, stacks = (tmp_path / name / "said").read_text().partition("Timeout (")
        assert "test_sofa.py" in stacks, name


def test_exec_ends_a_command_that_takes_too_long_even_if_it_is_stopped(services: RealServers) -> None:
    given = {**os.environ, **services.environment()}
    command = [*EXEC[:-1], "--minutes", "0.01", "--", "sh", "-c", "kill -STOP $$"]
    done = subprocess.run(command, env=given, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 124
    assert "Not ended within 0.01 minutes: sh -c" in done.stderr
