"""A new service: files of its own, and its lines in those by which services are known, run and deployed."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path

from microstore.contracts.registry import QUEUES, SERVICES

ROOT = Path(__file__).parent.parent
TEMPLATES = Path(__file__).with_suffix(".toml")
EXAMPLE, ITS_PORT = "shipping", "5435"
NAME = re.compile("[a-z]{3,20}")  # of a package, a database, a queue and a host
DEPLOYMENT = ("docker-compose.yml", "deploy/rabbitmq/definitions.json")
# What `make schema` and `make check` compare with the registry, by the command that prints it.
GENERATED = {
    "deploy/rabbitmq/topology.json": ("topology", "--definitions"),
    "docs/api/asyncapi.yaml": ("asyncapi",),
}


class NoNewName(Exception):
    """The name cannot be that of a new service."""


def start_service(name: str, root: Path) -> list[str]:
    """Write what a service that listens needs, and return the paths; what is written already stays.

    Raises NoNewName for a name that is taken, or that is not of lower-case letters alone.
    """
    ensure_new_name(name, root)
    changed = plan(name, root)
    for path, text in changed.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    own = [name, f"tests/{name}"]
    for how in (["check", "--select", "I", "--fix-only", "--quiet"], ["format", "--quiet"]):
        # The order of imports depends on the name, and so may the length of a line.
        subprocess.run([Path(sys.executable).with_name("ruff"), *how, *own], cwd=root, check=True)
    for path, command in GENERATED.items():
        (root / path).write_text(_manage(root, *command))
    return [*changed, *GENERATED]


def ensure_new_name(name: str, root: Path) -> None:
    """Raise NoNewName unless a service of this name can be made, or was begun and is not registered yet."""
    if not NAME.fullmatch(name) or iskeyword(name):
        raise NoNewName(f"{name!r} is no name of a service: 3 to 20 lower-case letters, no word of Python's.")
    folder = root / name
    apps = folder / "apps.py"
    begun = apps.exists() and "ServiceConfig" in apps.read_text()
    # Of a service that was taken back, Git leaves the bytecode: it is ignored.
    undone = folder.is_dir() and all(file.suffix == ".pyc" for file in folder.rglob("*") if file.is_file())
    # Its variables begin with its name, and it is a user of the broker.
    deployment = "".join((ROOT / path).read_text() for path in DEPLOYMENT)
    is_known = re.search(rf'\b{name.upper()}_|"user": "{name}"', deployment)
    is_taken = is_known or (not undone and (find_spec(name) or folder.exists()))
    if name in {*SERVICES, *QUEUES} or (is_taken and not begun):
        raise NoNewName(f"{name} is there already.")


def plan(name: str, root: Path) -> dict[str, str]:
    """Return the texts of the files to write by their paths, the registry's last."""
    wanted = tomllib.loads(_rename(TEMPLATES.read_text(), name))
    texts = {path: text for path, text in wanted["files"].items() if not (root / path).exists()}
    for line in wanted["insert"]:
        path, added = line["into"], line["text"]
        before = texts.get(path) or (root / path).read_text()
        anchor = line.get("before") or line["after"]
        if anchor not in before:
            raise LookupError(f"{path} has nowhere the text {anchor!r} that {TEMPLATES.name} looks for.")
        if added not in before:
            texts[path] = before.replace(anchor, added + anchor if "before" in line else anchor + added)
    return texts


def _rename(text: str, name: str) -> str:
    port = str(int(ITS_PORT) + len(SERVICES) - 2)
    for case in (str.lower, str.upper, str.capitalize):
        text = text.replace(case(EXAMPLE), case(name))
    return text.replace(ITS_PORT, port)


def _manage(root: Path, *command: str) -> str:
    # The WebSockets of the catalogue are the listings'.
    known = {**os.environ, "MICROSTORE_SERVICE": "listings", "DEBUG": "1"}
    return subprocess.check_output([sys.executable, "manage.py", *command], cwd=root, env=known, text=True)
