"""Copies of code of this repository, which a test may change."""

import shutil
from pathlib import Path

from stack.places import ROOT

# Other runs of tests write these, and rename them while they are copied.
COMPILED = shutil.ignore_patterns("__pycache__")


def copy_code(name: str, folder: Path) -> None:
    """Copy a file or a folder of this repository to the same place in `folder`."""
    source, target = ROOT / name, folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=COMPILED)
    else:
        shutil.copy(source, target)
