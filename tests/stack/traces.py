"""What a command has left on this machine."""

from pathlib import Path


def processes_of(folder: Path) -> list[str]:
    """The command lines of all processes that work in the folder, or were told of it."""
    return [
        _read(process / "cmdline") for process in Path("/proc").glob("[0-9]*") if _knows(process, str(folder))
    ]


def _knows(process: Path, folder: str) -> bool:
    try:
        where = str((process / "cwd").readlink())
    except OSError:
        return False
    said = _read(process / "cmdline") + _read(process / "environ")
    return process.name != "self" and (folder in said or where.startswith(folder))


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""
