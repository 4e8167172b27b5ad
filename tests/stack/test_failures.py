"""`make test` ends with what has failed in its parts."""

import os
import subprocess
import sys
from pathlib import Path

from stack.places import ROOT

TESTS = """
import os
def test_sofa():
    assert "FAILURES_FILE" not in os.environ
def test_stool():
    assert "three legs" == "four"
"""


def test_what_failed_is_added_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "test_chairs.py").write_text(TESTS)
    failures = tmp_path / "failures"
    failures.write_text("failed: another part\n")
    given = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "", "FAILURES_FILE": str(failures)}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.support.failures",
        "-p",
        "no:django",
        "-c",
        os.devnull,
        ".",
    ]
    done = subprocess.run(command, cwd=tmp_path, env=given, check=False, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    added = failures.read_text()
    assert added.startswith("failed: another part\nfailed: test_chairs.py::test_stool\n")
    assert "'three legs' == 'four'" in added
    assert "sofa" not in added
