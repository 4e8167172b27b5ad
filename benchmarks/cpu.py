"""CPU time of named processes between two moments, and of all other programs of the machine."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
LOAD = "load generator"


@dataclass(frozen=True)
class Stat:
    """A running process: its parent, and the clock ticks of itself and of its ended children."""

    parent: int
    ticks: int


@dataclass(frozen=True)
class Usage:
    """CPU seconds between two moments, by name; those of other programs in cores."""

    elapsed_seconds: float
    seconds: Mapping[str, float]
    foreign_cores: float

    @property
    def ours(self) -> dict[str, float]:
        """Return the seconds without those of the load generator."""
        return {name: used for name, used in self.seconds.items() if name != LOAD}

    def milliseconds_per(self, count: int) -> dict[str, float]:
        """Return the CPU milliseconds for each of `count` purchases, by name, and `all`."""
        each = {name: used * 1000 / count for name, used in self.ours.items()}
        return {"all": sum(each.values()), **each}


class Meter:
    """Adds up the CPU time of processes and their descendants; the rest is that of other programs."""

    def __init__(self, find_roots: Callable[[], Mapping[str, Sequence[int]]]) -> None:
        self._find_roots = find_roots
        self.start()

    def start(self) -> None:
        self._started_at = time.monotonic()
        self._before = self._read()
        self._machine_before = _read_machine()

    def read(self) -> Usage:
        """Return the CPU time used since the start."""
        elapsed_seconds = time.monotonic() - self._started_at
        machine = _read_machine() - self._machine_before
        used = {name: now - self._before.get(name, 0) for name, now in self._read().items()}
        return Usage(elapsed_seconds, used, (machine - sum(used.values())) / elapsed_seconds)

    def _read(self) -> dict[str, float]:
        used = add_up(read_stats(), self._find_roots())
        return {**used, LOAD: sum(os.times()[:4])}


def add_up(stats: Mapping[int, Stat], roots: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """Return the CPU seconds of the processes of each name and of all their descendants, ended or not."""
    # The kernel adds an ended child to its parent when the parent waits for it: restarted workers count too.
    children: dict[int, list[int]] = {}
    for pid, stat in stats.items():
        children.setdefault(stat.parent, []).append(pid)
    return {
        name: sum(_add_up_family(stats, children, root) for root in several) / TICKS_PER_SECOND
        for name, several in roots.items()
    }


def read_stats() -> dict[int, Stat]:
    """Return every process of this machine, by pid."""
    found = ((int(entry.name), _read_stat(entry)) for entry in PROC.iterdir() if entry.name.isdigit())
    return {pid: stat for pid, stat in found if stat}


def parse_stat(text: str) -> Stat:
    """Parse a line of /proc/PID/stat; see proc(5)."""
    # The name of the program is in parentheses and may itself contain parentheses and spaces.
    fields = text.rpartition(")")[2].split()
    return Stat(parent=int(fields[1]), ticks=sum(map(int, fields[11:15])))


def parse_machine(line: str) -> float:
    """Return the seconds of user, nice and system time in the first line of /proc/stat."""
    user, nice, system = map(int, line.split()[1:4])
    return (user + nice + system) / TICKS_PER_SECOND


def _add_up_family(stats: Mapping[int, Stat], children: Mapping[int, Iterable[int]], root: int) -> int:
    family = [root] if root in stats else []
    for member in family:
        family += children.get(member, [])
    return sum(stats[pid].ticks for pid in family)


def _read_stat(folder: Path) -> Stat | None:
    try:
        return parse_stat((folder / "stat").read_text(errors="replace"))
    except (FileNotFoundError, ProcessLookupError):
        return None  # it ended after its folder was listed


def _read_machine() -> float:
    with (PROC / "stat").open() as lines:
        return parse_machine(lines.readline())
