"""A process in a session of its own, found again by its pid file."""

import contextlib
import os
import pwd
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stack.processes.interruption import held_back
from stack.processes.pid_file import PidFile
from stack.processes.process_table import Process, family_of, find_process, signal_processes
from stack.waiting import wait_until

KILLED_WITHIN_SECONDS = 10


class Daemon:
    """One process with all its children, which a later command finds again by the pid file."""

    def __init__(self, *, pid_file: Path, log_file: Path) -> None:
        self.pid_file = PidFile(pid_file)
        self.log_file = log_file
        self._log_start = 0
        self._child: subprocess.Popen[bytes] | None = None

    def start(
        self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, user: str | None = None
    ) -> None:
        """Start the command with its output appended to the log; do not wait until it is ready."""
        self.sweep()
        # Logs name people and what they did: nobody else of this machine reads them.
        self.log_file.touch(mode=0o600)
        self.log_file.chmod(0o600)
        # A signal between the two would leave a process that no pid file names.
        with self.log_file.open("ab") as log, held_back():
            self._log_start = log.tell()
            self._child = subprocess.Popen(
                command,
                env=environment,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **run_as(user),
            )
            self.pid_file.write(self._child.pid)

    @property
    def pid(self) -> int | None:
        """The process id, None while it does not run."""
        self.reap()
        process = self.pid_file.read()
        return process.pid if process else None

    def reap(self) -> int | None:
        """Return our child's exit code without waiting for it."""
        return self._child.poll() if self._child else None

    def await_exit_code(self) -> int | None:
        """Return how our child ended (minus the signal, if by one); None if it runs or is not ours."""
        # The last threads of a killed program take a moment, and until then there is no exit code.
        wait_until(lambda: self.pid is not None or self.reap() is not None, timeout_seconds=1)
        return self.reap()

    def family(self) -> list[int]:
        """Return the pids of the process and all its descendants, parents first."""
        return family_of(pid) if (pid := self.pid) else []

    def send_signal(self, number: signal.Signals) -> None:
        """Signal the process itself, not its children."""
        if pid := self.pid:
            signal_processes([pid], number)

    def freeze(self) -> None:
        """Stop the process and its children where they stand."""
        frozen: list[int] = []
        # A parent may have forked before the signal reached it: look again until nobody new is there.
        while fresh := [pid for pid in self.family() if pid not in frozen]:
            signal_processes(fresh, signal.SIGSTOP)
            frozen += fresh

    def thaw(self) -> None:
        """Let a frozen process and its children go on."""
        signal_processes(self.family(), signal.SIGCONT)

    def stop(self, number: signal.Signals = signal.SIGTERM, *, timeout_seconds: float) -> bool:
        """Signal the process, kill what is left after the timeout; return True if it ended by itself."""
        # Noted first: once the parent is gone nothing links its children to it.
        family = self._identify_family()
        self.send_signal(number)
        self.thaw()
        clean = wait_until(lambda: self.pid is None, timeout_seconds=timeout_seconds)
        # A server that is stopped while it starts has children that were not there before.
        self._end([*family, *self._identify_family()])
        return clean

    def kill(self) -> None:
        """SIGKILL the process and all its children, and wait until they are gone."""
        self._end(self._identify_family())

    def sweep(self) -> None:
        """Kill what our dead child left behind in its session: a killed worker leaves its pool."""
        if self._child and self.await_exit_code() is not None and not find_process(self._child.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, signal.SIGKILL)

    def read_log(self) -> str:
        """Return the whole log, earlier runs included."""
        return self._read_log_from(0)

    def read_log_since_start(self) -> str:
        """Return the log since the last start by this object."""
        return self._read_log_from(self._log_start)

    def tail_log(self) -> str:
        """Return the last twenty lines of the log, indented."""
        return "\n".join(f"    {line}" for line in self.read_log().splitlines()[-20:])

    def _read_log_from(self, position: int) -> str:
        if not self.log_file.exists():
            return ""
        with self.log_file.open("rb") as log:
            log.seek(position)
            return log.read().decode(errors="replace")

    def _identify_family(self) -> list[Process]:
        return [process for pid in self.family() if (process := find_process(pid))]

    def _end(self, family: Sequence[Process]) -> None:
        signal_processes([process.pid for process in family if _is_alive(process)], signal.SIGKILL)
        wait_until(lambda: not any(map(_is_alive, family)), timeout_seconds=KILLED_WITHIN_SECONDS)
        self.sweep()
        if not self.pid:
            self.pid_file.clear()


def run_as(user: str | None) -> dict[str, Any]:
    """Return the options of subprocess that run a program as another user, with that user's groups alone."""
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _is_alive(process: Process) -> bool:
    return find_process(process.pid) == process
