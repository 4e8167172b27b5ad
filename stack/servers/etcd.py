"""Etcd on several hosts, by which the managers of databases agree who writes."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from stack.places import find_servers_user
from stack.processes.daemon import Daemon
from stack.servers.debian import install_programs
from stack.servers.hosts import Host

PROGRAMS = {"etcd": "etcd-server"}
PORT, PEER_PORT = 2379, 2380
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


class Etcd:
    """A member on each host; a majority of them decides."""

    def __init__(self, hosts: Sequence[Host], *, folder: Path) -> None:
        self.hosts = hosts
        self._folder = folder
        self.daemons = {host.name: make_daemon("etcd", host, folder) for host in hosts}

    @property
    def addresses(self) -> list[str]:
        """The members' addresses for a client."""
        return [f"{host.address}:{PORT}" for host in self.hosts]

    def start(self) -> None:
        """Start the members that do not run; they find each other by themselves."""
        install_programs(PROGRAMS)
        for host in self.hosts:
            run_on(host, self.daemons[host.name], self._command(host), folder=self._folder)

    def _command(self, host: Host) -> list[str]:
        members = ",".join(f"{each.name}=http://{each.address}:{PEER_PORT}" for each in self.hosts)
        clients, peers = (f"http://{host.address}:{port}" for port in (PORT, PEER_PORT))
        options = {
            "name": host.name,
            "data-dir": make_servers_folder(self._folder / f"etcd-{host.name}"),
            "listen-client-urls": clients,
            "advertise-client-urls": clients,
            "listen-peer-urls": peers,
            "initial-advertise-peer-urls": peers,
            "initial-cluster": members,
        }
        return ["etcd", *(f"--{name}={value}" for name, value in options.items())]


def make_daemon(program: str, host: Host, folder: Path) -> Daemon:
    """Return the handle of a program that runs on a host."""
    name = f"{program}-{host.name}"
    return Daemon(pid_file=folder / f"{name}.pid", log_file=folder / f"{name}.log")


def run_on(host: Host, daemon: Daemon, command: Sequence[str], *, folder: Path) -> None:
    """Start a program on a host, unless it runs there, as the user that runs servers."""
    if daemon.pid is None:
        # nsenter needs root, which PostgreSQL refuses.
        user = find_user()
        drop = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        daemon.start([*host.inside, *drop, *command], environment=ENVIRONMENT, folder=folder)


def make_servers_folder(folder: Path) -> Path:
    """Create and return a folder that the user that runs servers alone may read."""
    if not folder.exists():
        folder.mkdir(mode=0o700)
        shutil.chown(folder, find_user())
    return folder


def find_user() -> str:
    """Return the user that runs servers where we are root, as who makes hosts is."""
    user = find_servers_user()
    assert user, "only root makes hosts"
    return user
