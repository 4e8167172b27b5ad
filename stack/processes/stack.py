"""The processes of one Procfile."""

import signal
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stack.failure import CannotRun
from stack.places import ROOT
from stack.processes.daemon import Daemon
from stack.processes.readiness import is_ready
from stack.processes.secret_holders import make_process
from stack.waiting import wait_until

READY_WITHIN_SECONDS = 60
STOPS_WITHIN_SECONDS = 30
# First what brings new work, then what finishes it, then what that needs: so nothing is cut off half-way.
STOP_ORDER = ("api", "relay", "worker", "fees", "live")


class Stack:
    """MicroStore's processes, each started, signalled and read by its Procfile name."""

    def __init__(self, commands: Mapping[str, str], *, environment: Mapping[str, str], folder: Path) -> None:
        self.commands = dict(commands)
        self.environment = dict(environment)
        self.logs = folder / "logs"
        pids = folder / "pids"
        for place in (self.logs, pids):
            place.mkdir(parents=True, exist_ok=True)
            place.chmod(0o700)
        self._daemons = {
            name: Daemon(pid_file=pids / f"{name}.pid", log_file=self.logs / f"{name}.log")
            for name in commands
        }

    def __getitem__(self, name: str) -> Daemon:
        return self._daemons[name]

    def start(self, name: str) -> None:
        """Start a process unless it runs; does not wait until it is ready."""
        if self.pid(name):
            return
        program, environment = make_process(name, self.commands[name], self.environment)
        # exec: the pid is the program's own, so a signal reaches it and not a shell.
        self[name].start(["sh", "-c", f"exec {program}"], environment=environment, folder=ROOT)

    def wait_ready(self, name: str) -> None:
        """Wait until a process does its work; raise CannotRun with the end of its log if it never does."""
        if not wait_until(lambda: self._is_settled(name), timeout_seconds=READY_WITHIN_SECONDS):
            raise CannotRun(f"{name} was not ready in time; its log {self._describe_log(name)}")
        if self.pid(name) is None:
            raise CannotRun(f"{name} ended while starting; its log {self._describe_log(name)}")

    def stop(self, name: str) -> bool:
        """SIGTERM, a bounded wait, then SIGKILL; True if the process ended by itself."""
        return self[name].stop(timeout_seconds=STOPS_WITHIN_SECONDS)

    def kill(self, name: str) -> None:
        """SIGKILL the main process alone, as an out-of-memory killer would."""
        self.signal(name, signal.SIGKILL)
        wait_until(lambda: self.pid(name) is None, timeout_seconds=STOPS_WITHIN_SECONDS)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Signal the main process alone."""
        self[name].send_signal(number)

    def pid(self, name: str) -> int | None:
        """Return the main process's id, None when it does not run."""
        return self[name].pid

    def log(self, name: str) -> str:
        """Return the whole log of the process."""
        return self[name].read_log()

    def start_all(self) -> None:
        """Start every process, side by side."""
        for name in self.commands:
            self.start(name)

    def wait_all_ready(self) -> None:
        """Wait until every process does its work."""
        for name in self.commands:
            self.wait_ready(name)

    def stop_all(self) -> list[str]:
        """Stop every process in a good order; return those that had to be killed."""
        killed: list[str] = []
        for group in group_by_stop_order(list(self.commands)):
            with ThreadPoolExecutor(max_workers=len(group)) as pool:
                clean = pool.map(self.stop, group)
            killed += [name for name, by_itself in zip(group, clean, strict=True) if not by_itself]
        return killed

    def _is_settled(self, name: str) -> bool:
        return self.pid(name) is None or is_ready(name, self[name], self.environment)

    def _describe_log(self, name: str) -> str:
        return f"{self[name].log_file}:\n{self[name].tail_log()}"


def group_by_stop_order(names: Sequence[str]) -> list[list[str]]:
    """Return the names in groups that may stop together; what nobody depends on goes with the first."""
    ranks = {name: name.rpartition("-")[2] for name in names}
    groups: list[list[str]] = [[] for _ in STOP_ORDER]
    for name, rank in ranks.items():
        groups[STOP_ORDER.index(rank) if rank in STOP_ORDER else 0].append(name)
    return [group for group in groups if group]
