"""Measures the anonymous memory of each process over time."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from stack.processes.stack import Stack

WARM_AFTER_SECONDS = 60  # by then it has loaded what it loads once
OWN_MEMORY = re.compile(r"RssAnon:\s+(\d+) kB")
MIB = 1024


@dataclass
class Life:
    """One process, from when it was first seen."""

    name: str
    pid: int
    began_at: float = field(default_factory=time.monotonic)
    seconds: float = 0
    warm_mib: float = 0
    highest_mib: float = 0
    last_mib: float = 0

    def note(self, mib: float) -> None:
        self.seconds = time.monotonic() - self.began_at
        if self.seconds <= WARM_AFTER_SECONDS:
            self.warm_mib = mib
        self.highest_mib, self.last_mib = max(self.highest_mib, mib), mib


class MemoryWatch:
    """Reads the memory of every process of a stack, children too."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.lives: dict[tuple[str, int], Life] = {}

    def read(self) -> None:
        for name in self._stack.commands:
            for place, pid in enumerate(self._stack[name].family()):
                mib = read_own_memory(pid)
                label = f"{name}, child" if place else name
                if mib is not None:
                    self.lives.setdefault((label, pid), Life(label, pid)).note(mib)

    def longest(self) -> Iterator[tuple[Life, int]]:
        """Yield for each name the process that lived longest, and the number of processes."""
        for name in sorted({life.name for life in self.lives.values()}):
            lives = [life for life in self.lives.values() if life.name == name]
            yield max(lives, key=lambda life: (life.seconds, life.last_mib)), len(lives)


def read_own_memory(pid: int) -> float | None:
    """Return MiB without shared memory; None if the process has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = OWN_MEMORY.search(status)
    return int(found[1]) / MIB if found else None
