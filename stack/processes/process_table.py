"""The processes of this machine: who is whose child, and who is still the same process."""

import os
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A living process; pid and start together never come again, not even after the machine restarts."""

    pid: int
    start: str
    parent: int = field(compare=False)


def read_processes() -> dict[int, Process]:
    """Return every living process by pid; zombies are dead."""
    if not (PROC / "self/stat").exists():
        return _ask_ps()
    found = (_read_process(int(entry.name)) for entry in PROC.iterdir() if entry.name.isdigit())
    return {process.pid: process for process in found if process}


def find_process(pid: int) -> Process | None:
    """Return the living process with this pid."""
    return _read_process(pid) if (PROC / "self/stat").exists() else _ask_ps().get(pid)


def family_of(pid: int) -> list[int]:
    """Return the pid and those of all its living descendants, parents first."""
    processes = read_processes()
    family = [pid] if pid in processes else []
    for member in family:
        family += [child.pid for child in processes.values() if child.parent == member]
    return family


def find_processes_with(variable: str, value: str) -> list[Process]:
    """Return the living processes that were started with this variable; none where there is no /proc."""
    sign = f"{variable}={value}".encode()
    return [process for process in read_processes().values() if sign in _read_environment(process.pid)]


def _read_environment(pid: int) -> list[bytes]:
    try:
        return (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def signal_processes(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each process that is still there."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _read_process(pid: int) -> Process | None:
    try:
        # The name stands in parentheses and may hold anything: the fields follow the last one.
        fields = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, parent, start = fields[0], fields[1], fields[19]
    return None if state in "ZX" else Process(pid, f"{_boot_id()}-{start}", int(parent))


@cache
def _boot_id() -> str:
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def _ask_ps() -> dict[int, Process]:
    listing = subprocess.check_output(["ps", "-A", "-o", "pid=,ppid=,stat=,lstart="], text=True)
    rows = (line.split(None, 3) for line in listing.splitlines())
    living = [Process(int(pid), start, int(parent)) for pid, parent, state, start in rows if state[0] != "Z"]
    return {process.pid: process for process in living}
