"""Procfiles: one process a line, `name: command`, as honcho and foreman read them too; what ours names."""

import re
from pathlib import Path

from stack.failure import CannotRun
from stack.places import ROOT

LINE = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9_-]*):\s+(?P<command>\S.*)")


def parse_procfile(text: str) -> dict[str, str]:
    """Return the commands by name, in the order of the lines."""
    commands: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = LINE.fullmatch(line.strip())
        if not match or match["name"] in commands:
            raise CannotRun(f"Procfile line {number} is not a new `name: command`: {line}")
        commands[match["name"]] = match["command"]
    return commands


def read_procfile(path: Path) -> dict[str, str]:
    """Return the commands of a file by name."""
    return parse_procfile(path.read_text())


PROCESSES = read_procfile(ROOT / "Procfile")


def find_values(variable: str) -> tuple[str, ...]:
    """Return what the variables of this name, a pattern, are set to in the Procfile; each once, in order."""
    found = re.findall(rf"\b{variable}=\$?(\w+)", "\n".join(PROCESSES.values()))
    return tuple(dict.fromkeys(found))


SERVICES = find_values("MICROSTORE_SERVICE")
