"""`python -m stack.containers`: try docker-compose.yml on an engine, one of our own where none answers."""

import shutil
import subprocess
import sys
from pathlib import Path

from stack.containers.engine import Engine, running_engine
from stack.containers.images import provide_images
from stack.containers.rehearsal import rehearse
from stack.failure import CannotRun
from stack.places import make_throw_away_folder
from stack.processes.interruption import unwound_by_signals
from stack.report import say, timed


def main() -> int:
    """Rehearse where the containers' ports are; return 0 if everything went as the README says."""
    if sys.argv[1:2] == ["--inside"]:
        rehearse(Engine(), Path(sys.argv[2]))
        return 0
    with unwound_by_signals():
        folder = make_throw_away_folder()
        try:
            return _start_engine_and_rehearse(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _start_engine_and_rehearse(folder: Path) -> int:
    with timed("all of it"), running_engine(folder) as engine:
        provide_images(engine)
        command = [*engine.inside, sys.executable, "-m", "stack.containers", "--inside", str(folder)]
        done = subprocess.run(command, env=dict(engine.environment), check=False)
    say("Nothing of it is left." if done.returncode == 0 else "")
    return done.returncode


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CannotRun as reason:
        print(f"\n{reason}", file=sys.stderr)
        sys.exit(1)
