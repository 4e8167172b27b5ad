"""The two ways to run MicroStore: on real servers (`make up`) and embedded (`make run`)."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stack.places import ROOT, make_run_folder, make_servers_folder
from stack.servers.compose import find_compose_servers
from stack.servers.debian import install_missing_packages
from stack.servers.embedded import PROMISES, find_embedded_servers
from stack.servers.external import find_external_servers
from stack.servers.private import RealServers, ServerSet


@dataclass(frozen=True)
class Mode:
    """The differences between the two."""

    name: str
    procfile: Path
    find_servers: Callable[[], ServerSet]
    on_rabbitmq: bool
    live_of_its_own: bool
    warning: str = ""

    @property
    def folder(self) -> Path:
        """The folder of its keys, environment files, logs and pid files."""
        return make_run_folder(self.name)

    @property
    def launcher_pid_file(self) -> Path:
        """The file that names the launcher of its processes."""
        return self.folder / "launcher.pid"


def find_servers() -> ServerSet:
    """Return the first that are there: the environment's, Docker's, private ones; not started yet."""
    return find_external_servers() or find_compose_servers() or _find_private_servers()


def _find_private_servers() -> RealServers:
    install_missing_packages()
    return RealServers.at(make_servers_folder("services"), with_management=True)


REAL = Mode("real", ROOT / "Procfile", find_servers, on_rabbitmq=True, live_of_its_own=True)
EMBEDDED = Mode(
    "embedded",
    ROOT / "Procfile.embedded",
    find_embedded_servers,
    on_rabbitmq=False,
    live_of_its_own=False,
    warning=PROMISES,
)
MODES = (REAL, EMBEDDED)
