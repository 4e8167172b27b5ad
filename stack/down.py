"""Ending what other commands left running."""

import shutil
import signal

from stack.modes import MODES, Mode
from stack.places import RUN, open_folder, servers_folders
from stack.processes.pid_file import PidFile
from stack.processes.process_table import signal_processes
from stack.processes.procfile import read_procfile
from stack.processes.stack import Stack
from stack.servers.compose import ComposeServers, started_before
from stack.servers.embedded import FOLDER, EmbeddedServers
from stack.servers.private import STATE, RealServers
from stack.waiting import wait_until

LAUNCHER_ENDS_WITHIN_SECONDS = 120


def stop_everything() -> None:
    """Stop launchers, processes and servers of this checkout; does nothing where nothing runs."""
    for mode in MODES:
        _stop_launcher(mode)
        stop_leftovers(mode)
    for kind, name in ((EmbeddedServers, FOLDER), (RealServers, "services")):
        for folder in servers_folders(name):
            if (folder / STATE).exists():
                kind.at(folder).stop()
    if started_before():
        ComposeServers().stop()


def stop_leftovers(mode: Mode) -> None:
    """Stop the processes that a launcher left behind when it was killed."""
    if (mode.folder / "pids").exists():
        Stack(read_procfile(mode.procfile), environment={}, folder=mode.folder).stop_all()


def delete_all_data() -> None:
    """Delete everything that this checkout keeps on the machine: databases, queues, logs, keys."""
    for folder in (open_folder(), RUN):
        shutil.rmtree(folder, ignore_errors=True)


def _stop_launcher(mode: Mode) -> None:
    pid_file = PidFile(mode.launcher_pid_file)
    # It stops its processes and servers itself, and would restart what somebody else stops.
    if launcher := pid_file.read():
        signal_processes([launcher.pid], signal.SIGTERM)
        if not wait_until(lambda: pid_file.read() is None, timeout_seconds=LAUNCHER_ENDS_WITHIN_SECONDS):
            signal_processes([launcher.pid], signal.SIGKILL)
