"""Running a command to its end."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence

from stack.failure import CannotRun

ENDS_WITHIN_SECONDS = 20


def run_to_the_end(command: Sequence[str], *, environment: Mapping[str, str]) -> int:
    """Run the command in the foreground; if we are interrupted it is ended first. Returns its exit code."""
    if not command or not shutil.which(command[0]):
        raise CannotRun(f"No such command: {' '.join(command) or '(none given)'}")
    with subprocess.Popen(command, env=environment) as child:
        try:
            code = child.wait()
        except KeyboardInterrupt:
            # The terminal has told the child too, and a second signal would break into its cleaning up.
            _wait_or_kill(child)
            raise
        except SystemExit:
            child.terminate()
            _wait_or_kill(child)
            raise
    return 128 - code if code < 0 else code


def _wait_or_kill(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(ENDS_WITHIN_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
