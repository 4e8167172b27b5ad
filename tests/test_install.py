"""`tools/install.py`: the first thing that a newcomer sees."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

from stack.places import ROOT

WHEEL = {
    "chair.py": "",
    "chair-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: chair\nVersion: 1\n",
    "chair-1.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "chair-1.dist-info/RECORD": "",
}


def install(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    # Without the settings of this machine, which may name an index.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return subprocess.run(
        [sys.executable, ROOT / "tools/install.py", *arguments],
        env=kept | {"PIP_CONFIG_FILE": os.devnull} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_index_that_cannot_be_reached_is_the_reason() -> None:
    done = install("chair==1", PIP_INDEX_URL="http://127.0.0.1:1/simple", PIP_RETRIES="1")
    assert done.returncode
    assert done.stderr.splitlines()[-1].startswith("The package index cannot be reached.")


def test_requirements_that_nothing_fits_are_another(tmp_path: Path) -> None:
    done = install("--no-index", "--find-links", tmp_path, "chair==1")
    assert done.returncode
    assert done.stderr.splitlines()[-1] == "Have the requirements changed? Then: make lock"


def test_progress_is_shown(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "chair-1-py3-none-any.whl", "w") as wheel:
        for name, text in WHEEL.items():
            wheel.writestr(name, text)
    (constraints := tmp_path / "constraints.txt").write_text("chair==1\nstool==2\n")
    target = tmp_path / "installed"
    done = install(
        "--no-index", "--find-links", tmp_path, "--target", target, "-c", constraints, "--no-deps", "chair"
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.split() == ["1", "of", "2", "packages", "found", "installing", "them", "..."]
    assert (target / "chair.py").exists()
