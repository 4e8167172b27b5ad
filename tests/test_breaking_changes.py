"""`make check` refuses a change of a contract that breaks a message of the last release, and no other."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from microstore.messaging.compatibility import read_contracts

ROOT = Path(__file__).parent.parent
NEEDED = ("Makefile", "manage.py", "audit", "microstore", "listings")
ENUM = 'Literal["sold out", "no fee", "expired"]'


def copy_of_the_code(tmp_path: Path, *changes: tuple[str, str, str]) -> Path:
    """The code with changes: a file of the contracts, the old text, the new one."""
    tmp_path.mkdir(exist_ok=True)
    for name in NEEDED:
        source, copy = ROOT / name, tmp_path / name
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)
    for file, old, new in changes:
        path = tmp_path / "microstore/contracts" / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    return tmp_path


def check(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the part of `make check` with this virtual environment."""
    bin_folder = Path(sys.executable).parent
    command = ["make", "-s", "check-contracts", f"BIN={bin_folder}", "INSTALLED="]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("listings.py", "reason: Reason", "why: Reason", "listings.order_rejected: `reason`"),
        ("transactions.py", "max_length=200", "max_length=20", "transactions.order_created: `title`"),
        ("transactions.py", "    quantity: Quantity", "    quantity: Title", "order_created: `quantity`"),
        ("transactions.py", 'Category = ""', "Category", "transactions.order_created: `category`"),
        ("transactions.py", "reply=ITEM_SOLD, ", "", "transactions.order_created: `reply`"),
    ],
    ids=["a field renamed", "a text shortened", "a type changed", "a default taken away", "a reply gone"],
)
def test_a_breaking_change_is_refused_by_the_fields_name(
    tmp_path: Path, file: str, old: str, new: str, named: str
) -> None:
    done = check(copy_of_the_code(tmp_path, (file, old, new)))
    assert done.returncode != 0
    assert named in done.stderr


def test_a_field_with_a_default_passes_and_so_does_no_change(tmp_path: Path) -> None:
    advice = ("listings.py", "reason: Reason", 'reason: Reason\n    advice: str = ""')
    for number, changes in enumerate(([], [advice])):
        done = check(copy_of_the_code(tmp_path / str(number), *changes))
        assert done.returncode == 0, done.stderr
        assert "understand each other" in done.stdout


def test_a_value_taken_from_an_enum_is_refused(tmp_path: Path) -> None:
    typing = ("listings.py", "from typing import Annotated", "from typing import Literal, Annotated")
    folder = copy_of_the_code(tmp_path, typing, ("listings.py", "reason: Reason", f"reason: {ENUM}"))
    release = folder / "microstore/contracts/releases/99.0.0"
    release.mkdir()
    kept = read_contracts(folder, "microstore.contracts.registry")
    (release / "contracts.json").write_text(json.dumps(kept))
    assert check(folder).returncode == 0
    contracts = folder / "microstore/contracts/listings.py"
    contracts.write_text(contracts.read_text().replace(', "expired"', ""))
    done = check(folder)
    assert done.returncode != 0
    assert "listings.order_rejected: `reason` may be other than" in done.stderr
