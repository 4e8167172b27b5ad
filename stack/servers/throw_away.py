"""Throw-away servers for tests and trials."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.places import find_throw_away_folders, make_throw_away_folder
from stack.processes.interruption import uninterrupted, unwound_by_signals
from stack.processes.pid_file import PidFile
from stack.processes.process_table import find_processes_with, signal_processes
from stack.servers.debian import install_missing_packages
from stack.servers.external import find_external_servers
from stack.servers.private import FOLDER, RealServers, ServerSet

OWNER = "owner.pid"


@contextmanager
def private_servers(*, fsync: bool = True) -> Iterator[ServerSet]:
    """Yield the environment's servers (as RealServers if `stack exec` runs them), or throw-away ones."""
    if not (external := find_external_servers()):
        with throw_away_servers(fsync=fsync) as servers:
            yield servers
        return
    with unwound_by_signals():
        yield RealServers.at(Path(os.environ[FOLDER])) if FOLDER in os.environ else external


@contextmanager
def throw_away_servers(*, fsync: bool = True) -> Iterator[RealServers]:
    """Yield fresh servers, and leave neither a process nor a file of them, however the block ends."""
    install_missing_packages()
    _remove_orphans()
    home = make_throw_away_folder()
    with unwound_by_signals():
        # Before the first server: if we are killed, a later command sees by it that nobody owns the folder.
        PidFile(home / OWNER).write(os.getpid())
        servers = RealServers.at(home)
        for database in servers.databases.values():
            database.fsync = fsync
        try:
            servers.start()
            yield servers
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
    RealServers.at(folder).kill()
    shutil.rmtree(folder, ignore_errors=True)
