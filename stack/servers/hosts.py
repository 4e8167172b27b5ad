"""Hosts of their own on this machine: network namespaces on one bridge, which can be cut from each other."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stack.places import ROOT
from stack.processes.daemon import Daemon
from stack.processes.interruption import uninterrupted
from stack.processes.process_table import signal_processes
from stack.servers.debian import install_programs
from stack.waiting import wait_until

# RFC 2544 sets this network aside for benchmarks: no real one has its addresses.
NETWORK = "198.18"
PROGRAMS = {"ip": "iproute2", "iptables": "iptables", "faketime": "faketime"}


def can_make_hosts() -> bool:
    """Return whether we may make namespaces; a container's root often may not."""
    return os.geteuid() == 0 and not _try("unshare", "--net", "true").returncode


class Host:
    """A network namespace with one address; it lasts as long as the process that holds it."""

    def __init__(self, name: str, address: str, *, folder: Path) -> None:
        self.name = name
        self.address = address
        self.clock_ahead_seconds = 0  # of the programs that start from then on
        self._holder = Daemon(pid_file=folder / f"{name}.pid", log_file=folder / f"{name}.log")
        self._folder = folder

    @property
    def inside(self) -> Sequence[str]:
        """The words before a command that is to run on this host."""
        return ("nsenter", f"--net=/proc/{self.pid}/ns/net")

    @property
    def clock(self) -> Sequence[str]:
        """The words just before a command that is to have the clock of this host."""
        if not self.clock_ahead_seconds:
            return ()
        [library] = Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")
        # Only the time of day: what a program measures with its monotonic clock is right on any machine.
        wrong = {"FAKETIME": f"{self.clock_ahead_seconds:+}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        return ("env", f"LD_PRELOAD={library}", *(f"{name}={value}" for name, value in wrong.items()))

    @property
    def pid(self) -> int:
        """The process whose namespace this is."""
        pid = self._holder.pid
        assert pid, f"the host {self.name} is not up"
        return pid

    def start(self) -> None:
        """Make the namespace, with nothing in it but its loopback."""
        self._holder.start(["unshare", "--net", "sleep", "infinity"], environment={}, folder=self._folder)
        ours = _network_of("self")
        wait_until(lambda: _network_of(self.pid) != ours, timeout_seconds=10)
        self.run("ip", "link", "set", "lo", "up")

    def stop(self) -> None:
        """End every program on the host, and the process that holds it."""
        self.crash()
        self._holder.kill()

    def crash(self) -> None:
        """SIGKILL every program on the host at once, as a loss of power would."""
        # One may fork while the others are signalled: look again until nobody is left.
        while running := [pid for pid in _pids_on(self.pid) if pid != self.pid]:
            signal_processes(running, signal.SIGKILL)

    def run(self, *command: str) -> None:
        """Run a command on this host."""
        subprocess.run([*self.inside, *command], check=True)

    def cut_from(self, address: str, *, port: int | None = None) -> None:
        """Drop every packet to and from the address, or those of one port, without a word to either side."""
        for side in ("--sport", "--dport") if port else ("",):
            of_port = ("-p", "tcp", side, str(port)) if port else ()
            self.run("iptables", "-w", "-A", "INPUT", "-s", address, *of_port, "-j", "DROP")
            self.run("iptables", "-w", "-A", "OUTPUT", "-d", address, *of_port, "-j", "DROP")

    def lose_from(self, address: str, *, share: float) -> None:
        """Drop this share, from 0 to 1, of the packets that come from the address."""
        chance = ("-m", "statistic", "--mode", "random", "--probability", str(share))
        self.run("iptables", "-w", "-A", "INPUT", "-s", address, *chance, "-j", "DROP")

    def mend(self) -> None:
        """Take all packets again."""
        self.run("iptables", "-w", "-F")


class Lan:
    """Hosts, and this machine, on one bridge."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        number = os.getpid() % 256
        addresses = (f"{NETWORK}.{number}.{host}" for host in range(1, 255))
        self.bridge = Host("bridge", next(addresses), folder=folder)
        self.gateway = next(addresses)
        self.hosts = [Host(name, next(addresses), folder=folder) for name in names]
        self._interface = f"microstore{number}"
        self._slow_cables: dict[str, Daemon] = {}
        self._folder = folder

    def start(self) -> None:
        """Make the bridge and the hosts, and connect them and this machine."""
        self.bridge.start()
        self.bridge.run("ip", "link", "add", "bridge", "type", "bridge")
        self.bridge.run("ip", "link", "set", "bridge", "up")
        self._plug(self._interface, [])
        _configure([], self._interface, self.gateway)
        for host in self.hosts:
            host.start()
            self._plug("eth0", ["netns", str(host.pid)], port=host.name)
            _configure(host.inside, "eth0", host.address)

    def stop(self) -> None:
        """Remove all of it: a cable ends with either of its ends."""
        for host in (*self.hosts, self.bridge):
            host.stop()

    def slow_down(self, host: Host, *, to_seconds: float, from_seconds: float) -> None:
        """Delay everything that is sent to a host and everything that comes from it."""
        near, far, bridge = (f"{kind}{self.hosts.index(host)}" for kind in ("near", "far", "slow"))
        files = {name: self._folder / f"{near}.{name}" for name in ("pid", "log")}
        cable = Daemon(pid_file=files["pid"], log_file=files["log"])
        command = [sys.executable, "-m", "stack.servers.slow_cable", near, far]
        cable.start(
            [*self.bridge.inside, *command, str(to_seconds), str(from_seconds)], environment={}, folder=ROOT
        )
        self._slow_cables[host.name] = cable
        self.bridge.run("ip", "link", "add", bridge, "type", "bridge")
        self.bridge.run("ip", "link", "set", bridge, "up")
        assert wait_until(lambda: self._has(near) and self._has(far), timeout_seconds=10), cable.tail_log()
        for port, at in ((near, bridge), (host.name, bridge), (far, "bridge")):
            self.bridge.run("ip", "link", "set", port, "master", at, "up")

    def mend(self) -> None:
        """Connect everybody with everybody again, at full speed."""
        for host in self.hosts:
            host.mend()
            if cable := self._slow_cables.pop(host.name, None):
                # Its interfaces end with it.
                cable.kill()
                self.bridge.run("ip", "link", "set", host.name, "master", "bridge")
                self.bridge.run("ip", "link", "delete", f"slow{self.hosts.index(host)}")

    def _has(self, interface: str) -> bool:
        return not _try(*self.bridge.inside, "ip", "link", "show", interface).returncode

    def _plug(self, name: str, where: Sequence[str], *, port: str = "machine") -> None:
        there = ["netns", str(self.bridge.pid)]
        cable = ["ip", "link", "add", name, *where, "type", "veth", "peer", "name", port, *there]
        subprocess.run(cable, check=True)
        self.bridge.run("ip", "link", "set", port, "master", "bridge", "up")


@contextmanager
def lan_of(folder: Path, names: Sequence[str]) -> Iterator[Lan]:
    """Yield hosts of these names, and leave nothing of them."""
    install_programs(PROGRAMS)
    lan = Lan(folder, names)
    try:
        lan.start()
        yield lan
    finally:
        with uninterrupted():
            lan.stop()


def _configure(inside: Sequence[str], interface: str, address: str) -> None:
    subprocess.run([*inside, "ip", "address", "add", f"{address}/24", "dev", interface], check=True)
    subprocess.run([*inside, "ip", "link", "set", interface, "up"], check=True)


def _try(*command: str) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(command, capture_output=True, check=False)


def _pids_on(pid: int) -> list[int]:
    """Return the processes that are in the network namespace of this one."""
    network = _network_of(pid)
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _network_of(entry.name) == network]


def _network_of(pid: int | str) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/net").readlink())
    except OSError:  # it has ended
        return ""
