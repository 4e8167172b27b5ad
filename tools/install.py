"""Install requirements with pip, showing progress, and the reason if it fails; runs before they are there."""

import os
import re
import subprocess
import sys
from pathlib import Path

# pip's own verdict on an index that cannot be reached is that nothing of it fits the requirements.
NO_INDEX = re.compile(r"connection broken by|Could not fetch URL|Failed to establish a new connection")
EVERY = 10  # packages between two lines, where no terminal shows the same one again
LAST_LINES = 15


def main(arguments: list[str]) -> int:
    """Run `pip install` with these arguments; return its exit code."""
    command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"]
    lines: list[str] = []
    # Into a pipe pip would write its lines in blocks, long after they are true.
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*command, *arguments], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as pip:
        assert pip.stdout
        for line in pip.stdout:
            lines.append(line)
            show(line, done=sum(map(is_package, lines)), of=count(arguments))
    finish_line()
    if pip.returncode:
        sys.stderr.writelines(lines[-LAST_LINES:])
        print(explain("".join(lines)), file=sys.stderr)
    return pip.returncode


def count(arguments: list[str]) -> str:
    """Return the number of packages that the constraints name, if there are some."""
    if "-c" not in arguments:
        return ""
    constraints = Path(arguments[arguments.index("-c") + 1]).read_text()
    return f" of {constraints.count('==')}"


def is_package(line: str) -> bool:
    """Return whether pip's line names one more package that it has found."""
    return line.startswith(("Collecting ", "Processing "))


def show(line: str, *, done: int, of: str) -> None:
    """Print where pip is: on one line of a terminal, else now and then."""
    if is_package(line) and (sys.stderr.isatty() or done % EVERY == 1):
        print(f"  {done}{of} packages found", end=end_of_line(), file=sys.stderr, flush=True)
    elif line.startswith("Installing collected packages"):
        print("  installing them ...        ", end=end_of_line(), file=sys.stderr, flush=True)


def end_of_line() -> str:
    return "\r" if sys.stderr.isatty() else "\n"


def finish_line() -> None:
    """Leave the line that a terminal shows."""
    if sys.stderr.isatty():
        print(file=sys.stderr)


def explain(output: str) -> str:
    """Return the probable reason of a failure."""
    if NO_INDEX.search(output):
        return "The package index cannot be reached. Is there a network, or a proxy or mirror to set for pip?"
    return "Have the requirements changed? Then: make lock"


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
