"""A copy of the code to which `manage.py startservice shipping` has added a service."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from stack.places import ROOT

LEFT_OUT = (".git", ".venv", ".run", ".hypothesis", "node_modules", "dist", "*_cache", "__pycache__")
LISTINGS = {"MICROSTORE_SERVICE": "listings", "DEBUG": "1", "DATABASE_URL": "postgres://127.0.0.1:1/none"}


def run(folder: Path, *command: str, **told: str) -> "subprocess.CompletedProcess[str]":
    """Run a program of this Python in the folder, with PATH and what is told here as its environment."""
    program = [str(Path(sys.executable).with_name(command[0])), *command[1:]]
    known = {"PATH": os.environ["PATH"], "HOME": str(folder), **told}
    return subprocess.run(program, cwd=folder, env=known, capture_output=True, text=True, check=False)


def start_service(folder: Path, name: str) -> "subprocess.CompletedProcess[str]":
    """Run the command of the guide, as `make startservice` does."""
    return run(folder, "python", "manage.py", "startservice", name, **LISTINGS)


def copy_with_shipping(folder: Path) -> Path:
    """Copy the code into the folder and add the service to it."""
    copy = folder / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    done = start_service(copy, "shipping")
    assert done.returncode == 0, done.stderr
    return copy
