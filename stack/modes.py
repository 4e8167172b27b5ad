"""The two ways to run all of MicroStore: on real servers, and embedded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stack.embedded import PROMISES, find_embedded_servers
from stack.find import find_servers
from stack.places import ROOT, make_run_folder
from stack.services import ServerSet


@dataclass(frozen=True)
class Mode:
    """What differs between them."""

    name: str
    procfile: Path
    find_servers: Callable[[], ServerSet]
    on_rabbitmq: bool
    live_of_its_own: bool
    warning: str = ""

    @property
    def folder(self) -> Path:
        """Its keys, environment files, logs and pid files."""
        return make_run_folder(self.name)

    @property
    def launcher_pid_file(self) -> Path:
        """Names the `make` that looks after its processes."""
        return self.folder / "launcher.pid"


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
