"""Packages from PyPI that programs beside this environment need."""

import subprocess
import sys
from pathlib import Path


def install_packages(requirements: Path, folder: Path) -> None:
    """Install what a file of requirements names into a folder, and nothing that these packages need."""
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--target", str(folder)]
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *options, "--requirement", str(requirements)], check=True
    )
