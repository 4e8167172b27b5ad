"""Packages that no boundary of pyproject.toml covers: prints each, and exits with 1 where there is any."""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOR_DEVELOPMENT = {"tests", "benchmarks", "tools"}


def find_uncovered(root: Path) -> list[str]:
    """Return a sentence for each package that lacks a boundary; a service's apps.py is how one is known."""
    settings = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]
    covered = set(settings["root_packages"])
    [apart] = [each for each in settings["contracts"] if each["type"] == "independence"]
    faults = []
    for file in sorted(root.glob("*/__init__.py")):
        name = file.parent.name
        if name in FOR_DEVELOPMENT:
            continue
        if name not in covered:
            faults.append(f"{name}: no boundary covers it; add it to root_packages in pyproject.toml")
        if (file.parent / "apps.py").exists() and name not in apart["modules"]:
            faults.append(f"{name}: a service may import no other; add it to the independence contract")
    return faults


if __name__ == "__main__":
    found = find_uncovered(ROOT)
    sys.exit("\n".join(found) or 0)
