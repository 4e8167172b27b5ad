"""`python -m stack.containers`: try docker-compose.yml on an engine, one of our own where none answers."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

from stack.containers.engine import Engine, running_engine
from stack.containers.images import provide_images
from stack.containers.rehearsal import rehearse
from stack.failure import CannotRun
from stack.places import make_throw_away_folder
from stack.processes.interruption import unwound_by_signals
from stack.processes.time_limit import TimeIsUp, limited
from stack.report import say, timed

# Nine minutes were measured on two cores with a load of eleven. What cleans up has one more.
LIMIT_SECONDS = 1_800
CLEANING_SECONDS = 60


def main() -> int:
    """Rehearse where the containers' ports are; return 0 if everything went as the README says."""
    if sys.argv[1:2] == ["--inside"]:
        with limited(int(sys.argv[3])):
            rehearse(Engine(), Path(sys.argv[2]))
        return 0
    with unwound_by_signals(), limited(LIMIT_SECONDS + CLEANING_SECONDS):
        folder = make_throw_away_folder()
        try:
            return _start_engine_and_rehearse(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _start_engine_and_rehearse(folder: Path) -> int:
    started_at = time.monotonic()
    with timed("all of it"), running_engine(folder) as engine:
        provide_images(engine)
        left_seconds = max(1, LIMIT_SECONDS - round(time.monotonic() - started_at))
        command = [*engine.inside, sys.executable, "-m", "stack.containers", "--inside"]
        command += [str(folder), str(left_seconds)]
        done = subprocess.run(command, env=dict(engine.environment), check=False)
    say("Nothing of it is left." if done.returncode == 0 else "")
    return done.returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (CannotRun, TimeIsUp) as reason:
        print(f"\n{reason or 'It takes too long.'}", file=sys.stderr)
        sys.exit(1)
