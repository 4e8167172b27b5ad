"""A measured report that is older than the code it proves is named."""

import itertools
import subprocess
from pathlib import Path

import pytest

from tools import revision

EDITIONS = itertools.count()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one service, in which both reports were made on its first commit."""
    monkeypatch.setattr(revision, "ROOT", tmp_path)
    git(tmp_path, "init", "--quiet")
    commit(tmp_path, "listings/stock.py")
    for report in revision.REPORTS:
        write(tmp_path / report, f"Written by `make faults` on commit `{revision.describe_commit()}` (today)")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    who = ("-c", "user.name=alice", "-c", "user.email=alice@example.com")
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def commit(folder: Path, name: str) -> None:
    write(folder / name, f"edition {next(EDITIONS)}")
    git(folder, "add", name)
    git(folder, "commit", "--quiet", "--message", name)


def test_a_report_of_the_present_code_is_not_named(repository: Path) -> None:
    commit(repository, "docs/index.md")
    commit(repository, "listings/README.md")
    commit(repository, "tests/test_armchairs.py")
    assert list(revision.find_outdated_reports()) == []


def test_a_report_that_is_older_than_the_code_is_named(repository: Path) -> None:
    for _ in range(10):
        commit(repository, "transactions/recording.py")
    said = list(revision.find_outdated_reports())
    assert len(said) == len(revision.REPORTS)
    assert "; 10 commits have changed the code since." in said[0]


def test_a_report_that_names_no_commit_or_a_lost_one_is_named(repository: Path) -> None:
    reliability, soak = (repository / report for report in revision.REPORTS)
    reliability.write_text("Written by `make faults`, long ago.")
    soak.write_text("Written by `make soak` on commit `0123456789` (long ago)")
    first, second = revision.find_outdated_reports()
    assert first.endswith("names no commit.")
    assert "not in this repository" in second


def test_a_report_made_with_uncommitted_changes_is_named(repository: Path) -> None:
    (repository / "listings/stock.py").write_text("changed")
    for report in revision.REPORTS:
        (repository / report).write_text(f"commit `{revision.describe_commit()}`")
    assert all("uncommitted changes" in said for said in revision.find_outdated_reports())
