"""Folders of this machine: data, logs, and those that other users have to reach."""

import hashlib
import os
import pwd
import re
import subprocess
import tempfile
from pathlib import Path

from stack.failure import CannotRun

ROOT = Path(__file__).resolve().parent.parent
RUN_VARIABLE = "MICROSTORE_RUN_FOLDER"
RUN = Path(os.environ.get(RUN_VARIABLE) or ROOT / ".run").resolve()
TEMPORARY = Path(tempfile.gettempdir())
PREFIX = "microstore-"
# Every user can get there, and unlike /tmp it survives a restart of the machine.
OPEN_TO_ALL = Path("/var/tmp")  # noqa: S108 - names in it are claimed or made by mkdtemp
# Others, such as # or ', have no quoting in RabbitMQ's configuration and shell scripts, nor in PgBouncer's.
PLAIN_PATH = re.compile(r"[\w ./:@+,=~-]+")


def make_run_folder(name: str) -> Path:
    """Create and return a folder under .run, which only its owner may read."""
    folder = RUN / name
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    return folder


def write_private(file: Path, text: str) -> None:
    """Write a file that its owner alone may read; interrupted, or without room, it stays as it was."""
    draft = file.with_name(f"{file.name}.draft")
    draft.touch(mode=0o600)
    draft.write_text(text)
    draft.replace(file)


def make_cache_folder(name: str) -> Path:
    """Create and return a folder for what takes long to make and is the same in every checkout."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "microstore" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def make_servers_folder(name: str) -> Path:
    """Return the folder of servers whose data is kept: under .run, if servers can be there."""
    folder = make_run_folder(name)
    return folder if can_hold_servers(folder) else _make_open(make_open_folder() / name)


def servers_folders(name: str) -> list[Path]:
    """Return the folders that may hold the data of these servers, the usual one first."""
    return [RUN / name, open_folder() / name]


def open_folder() -> Path:
    """Return where things of this checkout are whose own folder servers cannot reach, or not name."""
    return OPEN_TO_ALL / f"microstore-{hashlib.sha256(str(RUN).encode()).hexdigest()[:12]}"


def make_open_folder() -> Path:
    """Create and return that folder; raise CannotRun if it belongs to another user."""
    return _make_open(open_folder())


def make_throw_away_folder() -> Path:
    """Create and return a new temporary folder in which servers can be."""
    folder = _make_temporary(TEMPORARY)
    if can_hold_servers(folder):
        return folder
    folder.rmdir()
    return _make_temporary(OPEN_TO_ALL)


def find_throw_away_folders() -> list[Path]:
    """Return the temporary folders that we made and that are still there."""
    found = [path for parent in {TEMPORARY, OPEN_TO_ALL} for path in parent.glob(f"{PREFIX}*")]
    return [path for path in found if _is_ours(path)]


def find_servers_user() -> str | None:
    """Return the user that runs servers which refuse root; None where we are not root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def can_hold_servers(folder: Path) -> bool:
    """Return whether every server can read the folder's name, and PostgreSQL's user enter the folder."""
    return bool(PLAIN_PATH.fullmatch(str(folder))) and is_reachable_by_servers(folder)


def is_reachable_by_servers(path: Path) -> bool:
    """Return whether the user that runs PostgreSQL can enter the folder, or run the program."""
    if not (user := find_servers_user()):
        return os.access(path, os.X_OK)
    return subprocess.run(["test", "-x", path], user=user, cwd="/", check=False).returncode == 0


def _make_temporary(parent: Path) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    folder.chmod(0o711)
    return folder


def _is_ours(folder: Path) -> bool:
    try:
        return not folder.is_symlink() and folder.stat().st_uid == os.geteuid()
    except FileNotFoundError:
        return False


def _make_open(folder: Path) -> Path:
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    # In a folder open to everybody the name may have been taken by somebody else, or be a link.
    if not _is_ours(folder):
        raise CannotRun(f"{folder} belongs to somebody else; remove it")
    folder.chmod(0o711)
    return folder
