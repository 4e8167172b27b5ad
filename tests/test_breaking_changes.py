"""`make check` refuses a change of a contract that breaks a message of the last release, and no other."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.copied_code import copy_code

ROOT = Path(__file__).parent.parent
NEEDED = ("Makefile", "manage.py", "audit", "microstore", "listings")
RELEASES = "microstore/contracts/releases"
ENUM = 'Literal["sold out", "no fee", "expired"]'


def copy_of_the_code(tmp_path: Path, *changes: tuple[str, str, str]) -> Path:
    """The code with changes: a file of the contracts, the old text, the new one."""
    for name in NEEDED:
        copy_code(name, tmp_path)
    for file, old, new in changes:
        path = tmp_path / "microstore/contracts" / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    return tmp_path


def check(folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the part of `make check` with this virtual environment."""
    return make(folder, "check-contracts")


def keep(folder: Path, version: str) -> "subprocess.CompletedProcess[str]":
    """Run `make samples`, but for the recording of messages."""
    return make(folder, "samples", f"VERSION={version}", "STACK=true")


def make(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = ["make", "-s", *arguments, f"BIN={Path(sys.executable).parent}", "INSTALLED="]
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


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("    available: Annotated", "    left: Annotated", "/ws/listings/ item_sold: `available`"),
        ('    fee_rule: str = ""', "", "/ws/orders/ order: `fee_rule` is required and not sent"),
        ("totals: list[CheckoutTotals]", "totals: list[str]", "/ws/orders/ checkout: `totals[]`"),
        ('["open", "settled"]', '["open", "settled", "lost"]', "/ws/orders/ checkout: `status`"),
        ('Literal["reset"] = "reset"', 'Literal["again"] = "again"', "/ws/listings/ reset: is gone"),
    ],
)
def test_a_frame_that_clients_of_the_last_release_cannot_read_is_refused(
    tmp_path: Path, old: str, new: str, named: str
) -> None:
    done = check(copy_of_the_code(tmp_path, ("../../listings/live/frames.py", old, new)))
    assert done.returncode != 0
    assert named in done.stderr


def test_a_webhook_that_lacks_an_id_is_refused(tmp_path: Path) -> None:
    less = ("../../listings/webhooks/events.py", '"refund_id", ', "")
    done = check(copy_of_the_code(tmp_path, less))
    assert done.returncode != 0
    assert "webhook order.refunded: `data.refund_id` is required and not sent" in done.stderr


def test_a_break_cannot_be_kept_within_a_major_version_nor_written_by_hand(tmp_path: Path) -> None:
    folder = copy_of_the_code(tmp_path, ("listings.py", "reason: Reason", "why: Reason"))
    for version in ("1.0.0", "1.1.0"):
        done = keep(folder, version)
        assert done.returncode != 0
        assert "listings.order_rejected: `reason` is required" in done.stderr
    assert [each.name for each in (folder / RELEASES).glob("[0-9]*")] == ["1.0.0"]
    kept = folder / RELEASES / "1.0.0/contracts.json"
    kept.write_text(kept.read_text().replace('"reason"', '"why"'))
    for done in (check(folder), keep(folder, "1.0.0"), keep(folder, "2.0.0")):
        assert done.returncode != 0
        assert "1.0.0/contracts.json: is not as it was kept" in done.stderr


def test_a_new_major_version_may_break_and_a_new_field_is_kept(tmp_path: Path) -> None:
    folder = copy_of_the_code(
        tmp_path, ("listings.py", "reason: Reason", 'reason: Reason\n    advice: str = ""')
    )
    for version in ("1.0.0", "1.1.0"):
        assert keep(folder, version).returncode == 0
        assert check(folder).returncode == 0
    contracts = folder / "microstore/contracts/listings.py"
    contracts.write_text(contracts.read_text().replace("reason: Reason", "why: Reason"))
    assert check(folder).returncode != 0
    assert keep(folder, "2.0.0").returncode == 0
    assert check(folder).returncode == 0


def test_a_field_with_a_default_passes_and_so_does_no_change(tmp_path: Path) -> None:
    advice = ("listings.py", "reason: Reason", 'reason: Reason\n    advice: str = ""')
    for number, changes in enumerate(([], [advice])):
        done = check(copy_of_the_code(tmp_path / str(number), *changes))
        assert done.returncode == 0, done.stderr
        assert "understand each other" in done.stdout


def test_a_value_taken_from_an_enum_is_refused(tmp_path: Path) -> None:
    typing = ("listings.py", "from typing import Annotated", "from typing import Literal, Annotated")
    folder = copy_of_the_code(tmp_path, typing, ("listings.py", "reason: Reason", f"reason: {ENUM}"))
    assert keep(folder, "99.0.0").returncode == 0
    assert check(folder).returncode == 0
    contracts = folder / "microstore/contracts/listings.py"
    contracts.write_text(contracts.read_text().replace(', "expired"', ""))
    done = check(folder)
    assert done.returncode != 0
    assert "listings.order_rejected: `reason` may be other than" in done.stderr
