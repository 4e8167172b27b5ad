"""Throw-away servers for tests and trials."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.debian import install_missing_packages
from stack.given import find_given_servers
from stack.interruption import uninterrupted, unwound_by_signals
from stack.pid_file import PidFile
from stack.places import find_throw_away_folders, is_reachable_by_servers, make_throw_away_folder
from stack.process_table import find_processes_with, signal_processes
from stack.services import FOLDER, ServerSet, Services

OWNER = "owner.pid"


@contextmanager
def private_services(folder: Path | None = None) -> Iterator[ServerSet]:
    """Give the environment's servers (as Services if `stack exec` runs them), or throw-away ones."""
    if not (given := find_given_servers()):
        with throw_away_services(folder) as services:
            yield services
        return
    with unwound_by_signals():
        yield Services.at(Path(os.environ[FOLDER])) if FOLDER in os.environ else given


@contextmanager
def throw_away_services(folder: Path | None = None) -> Iterator[Services]:
    """Give fresh servers, and leave neither a process nor a file of them, however the block ends."""
    install_missing_packages()
    _remove_orphans()
    home = folder if folder and is_reachable_by_servers(folder) else make_throw_away_folder()
    with unwound_by_signals():
        PidFile(home / OWNER).write(os.getpid())
        services = Services.at(home)
        try:
            services.start()
            yield services
        finally:
            with uninterrupted():
                _remove(home)


def _remove_orphans() -> None:
    """Remove the sets whose owners were killed and could not."""
    for folder in find_throw_away_folders():
        if (folder / OWNER).exists() and not PidFile(folder / OWNER).read():
            _remove(folder)


def _remove(folder: Path) -> None:
    # A command that was killed leaves its own processes behind, in sessions of their own.
    users = find_processes_with(FOLDER, str(folder))
    signal_processes([process.pid for process in users if process.pid != os.getpid()], signal.SIGKILL)
    Services.at(folder).kill()
    shutil.rmtree(folder, ignore_errors=True)
