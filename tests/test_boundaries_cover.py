"""`make check` names a package that no boundary covers."""

import shutil
from pathlib import Path

from tools.boundaries import ROOT, find_uncovered


def test_every_package_is_covered() -> None:
    assert find_uncovered(ROOT) == []


def test_a_new_package_is_named_and_a_new_service_twice(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("helpers", "bakery"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "bakery/apps.py").touch()
    assert [fault.partition(":")[0] for fault in find_uncovered(tmp_path)] == [
        "bakery",
        "bakery",
        "helpers",
    ]
