"""`tools/install.py`: the first thing that a newcomer sees."""

import os
import shutil
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


def plan_run(folder: Path) -> str:
    """What `make run` would do in this folder."""
    said = subprocess.check_output(["make", "--dry-run", "run"], cwd=folder, text=True)
    return str(said)


def test_a_folder_that_was_renamed_gets_its_virtual_environment_anew(tmp_path: Path) -> None:
    (folder := tmp_path / "my shop" / "one").mkdir(parents=True)
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    (venv := folder / ".venv" / "bin").mkdir(parents=True)
    (venv / "python").symlink_to(sys.executable)
    (venv.parent / "pyvenv.cfg").write_text(f"command = /bin/python3 -m venv --clear {venv.parent}\n")
    (venv.parent / ".installed").touch()
    assert "venv --clear" not in plan_run(folder)
    assert "venv --clear" in plan_run(folder.rename(folder.with_name("two")))
