"""Contracts of two releases are compared both ways, and a change that breaks a message is refused."""

import subprocess
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from microstore.messaging.compatibility import find_breaks, read_contracts
from tests.support.copied_code import copy_code

ROOT = Path(__file__).parent.parent.parent
MODULE = settings.MESSAGING_CONTRACTS
OLD_SENDER, NEW_SENDER = "(old sender, new receiver)", "(new sender, old receiver)"


def changed(tmp_path: Path, file: str, old: str, new: str) -> Path:
    """A copy of the contracts with one change."""
    copy_code("microstore/contracts", tmp_path)
    source = tmp_path / "microstore/contracts" / file
    text = source.read_text()
    assert old in text
    source.write_text(text.replace(old, new))
    return tmp_path


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("listings.py", "reason: Reason", "why: Reason", f"`why` is required and not sent {OLD_SENDER}"),
        ("listings.py", "reason: Reason", "why: Reason", f"`reason` is required and not sent {NEW_SENDER}"),
        (
            "listings.py",
            "max_length=500",
            "max_length=50",
            f"`reason` may be outside of maxLength 50 {OLD_SENDER}",
        ),
        (
            "listings.py",
            "reason: Reason",
            "reason: int",
            f"`reason` may be string, which is not accepted {OLD_SENDER}",
        ),
        (
            "transactions.py",
            'Category = ""',
            "Category",
            f"`category` is required and may be left out {OLD_SENDER}",
        ),
        ("transactions.py", 'fact="order.created"', "", "`fact` was 'order.created' and is None"),
        ("transactions.py", '"order_expired"', '"order_lapsed"', "transactions.order_expired: is gone"),
    ],
)
def test_a_breaking_change_is_named_with_the_direction_that_it_breaks(
    tmp_path: Path, file: str, old: str, new: str, says: str
) -> None:
    breaks = find_breaks(
        read_contracts(ROOT, MODULE), read_contracts(changed(tmp_path, file, old, new), MODULE)
    )
    assert any(says in each for each in breaks), breaks


def test_a_shortened_enum_is_refused_by_the_new_receiver() -> None:
    long: dict[str, object] = {"enum": ["red", "green"], "type": "string"}
    short: dict[str, object] = {"enum": ["red"], "type": "string"}
    old, new = ({"paint": contract(colour)} for colour in (long, short))
    assert find_breaks(old, new) == [f"paint: `colour` may be other than 'red' {OLD_SENDER}"]
    assert find_breaks(new, old) == [f"paint: `colour` may be other than 'red' {NEW_SENDER}"]


def contract(colour: dict[str, object]) -> dict[str, object]:
    schema = {"properties": {"colour": colour}, "required": ["colour"]}
    return {"to": None, "reply": None, "fact": None, "schema": schema}


def test_a_field_with_a_default_is_no_break(tmp_path: Path) -> None:
    folder = changed(tmp_path, "listings.py", "reason: Reason", 'reason: Reason\n    advice: str = ""')
    assert find_breaks(read_contracts(ROOT, MODULE), read_contracts(folder, MODULE)) == []


def test_the_command_compares_with_a_folder_and_exits_with_the_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(ROOT)
    folder = changed(tmp_path, "listings.py", "reason: Reason", "why: Reason")
    with pytest.raises(CommandError, match=r"listings\.order_rejected: `reason` is required"):
        call_command("contracts", "check", against=str(folder))
    call_command("contracts", "check", against=str(ROOT))
    assert "understand each other" in capsys.readouterr().out


def test_the_command_compares_with_a_git_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    copy_code("microstore/contracts", tmp_path)
    monkeypatch.chdir(tmp_path)
    author = ("-c", "user.name=olga", "-c", "user.email=olga@microstore.example")
    for command in (["init", "-q"], ["add", "."], [*author, "commit", "-q", "-m", "contracts"]):
        subprocess.run(["git", *command], check=True)
    call_command("contracts", "check", against="HEAD")
    assert "understand each other" in capsys.readouterr().out
    for nowhere in ("nowhere", "", "--output=here"):
        with pytest.raises(CommandError, match=nowhere or "not a valid object name"):
            call_command("contracts", "check", f"--against={nowhere}")
    assert not (tmp_path / "here").exists()
    monkeypatch.setenv("PATH", str(tmp_path))  # as in an image without Git
    with pytest.raises(CommandError, match="no folder or file 'nowhere', and no Git"):
        call_command("contracts", "check", against="nowhere")


def test_the_command_says_of_a_folder_or_a_file_that_it_holds_no_contracts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    (tmp_path / "empty").mkdir()
    (tmp_path / "kept.json").write_text("armchairs")
    for release, why in (("empty", "No module named 'microstore'"), ("kept.json", "holds no contracts")):
        with pytest.raises(CommandError, match=why):
            call_command("contracts", "check", against=str(tmp_path / release))
