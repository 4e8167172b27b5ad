"""The start, stop, freeze and readiness that all private servers share."""

import os
import signal
import threading
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from stack.failure import CannotRun
from stack.processes.daemon import Daemon
from stack.servers.wheels import wheels_are_wanted
from stack.waiting import wait_until


class Server(ABC):
    """One server with its data in one folder, on one port of 127.0.0.1."""

    ready_within_seconds: ClassVar[float] = 90
    stops_within_seconds: ClassVar[float] = 30
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, name: str, *, folder: Path, port: int, password: str) -> None:
        self.name = name
        self.folder = folder
        self.port = port
        self.password = password
        self.from_wheel = wheels_are_wanted()
        self._given_up = threading.Event()
        self._beginning = threading.Lock()
        self.daemon = Daemon(pid_file=folder / "pid", log_file=folder / "server.log")

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL for a client, password included."""

    @abstractmethod
    def prepare(self) -> None:
        """Create what the server needs before it starts; called before every start."""

    @abstractmethod
    def command(self) -> list[str]:
        """Return the command that runs the server in the foreground."""

    @abstractmethod
    def answers(self) -> bool:
        """Return whether a client gets an answer now."""

    def user(self) -> str | None:
        """Return the system user that runs it, None for the current one."""
        return None

    def environment(self) -> dict[str, str]:
        """Return the environment of the server."""
        return dict(os.environ)

    @property
    def running(self) -> bool:
        """Whether its process lives; it may not be ready."""
        return self.daemon.pid is not None

    def start(self) -> bool:
        """Start it unless it runs, wait until it answers; True if it was not running before."""
        if fresh := not self.running:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.prepare()
            with self._beginning:
                if not self._given_up.is_set():
                    self.daemon.start(
                        self.command(), environment=self.environment(), folder=self.folder, user=self.user()
                    )
        self.wait_ready()
        return fresh

    def resume_waiting(self) -> None:
        """Undo `give_up`, before threads start the server again."""
        self._given_up.clear()

    def give_up(self) -> None:
        """Have another thread's `start` or `wait_ready` end at once; the process, if any, stays."""
        # Under the lock: once this returns no process begins any more.
        with self._beginning:
            self._given_up.set()

    def stop(self) -> None:
        """End it cleanly; its data stays."""
        self.daemon.stop(self.stop_signal, timeout_seconds=self.stops_within_seconds)

    def kill(self) -> None:
        """SIGKILL all its processes, as a crash of the machine would."""
        self.daemon.kill()

    def freeze(self) -> None:
        """SIGSTOP all its processes: connections stay open and get no answer."""
        self.daemon.freeze()

    def thaw(self) -> None:
        """SIGCONT all its processes."""
        self.daemon.thaw()

    def restart(self) -> None:
        """Stop it cleanly and start it on the same port."""
        self.stop()
        self.start()

    def wait_ready(self) -> None:
        """Wait until it answers; raise CannotRun with the end of its log if it dies or takes too long."""
        wait_until(self._is_settled, timeout_seconds=self.ready_within_seconds)
        if self._given_up.is_set():
            raise CannotRun(f"{self.name} was not awaited to its readiness")
        if not (self.running and self.answers()):
            what = "did not answer in time" if self.running else "ended"
            raise CannotRun(f"{self.name} {what}; its log {self.daemon.log_file}:\n{self.daemon.tail_log()}")

    def _is_settled(self) -> bool:
        return self._given_up.is_set() or not self.running or self.answers()
