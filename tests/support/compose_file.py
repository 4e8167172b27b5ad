"""What docker-compose.yml, Dockerfile and Procfile say, for the tests that hold them together."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from stack.places import ROOT
from stack.processes.keys import make_jwt_keys
from stack.processes.procfile import read_procfile

COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROCESSES = read_procfile(ROOT / "Procfile")
IMAGE = f"microstore:{PYPROJECT['project']['version']}"
OURS = [name for name, container in CONTAINERS.items() if container["image"] == IMAGE]

VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?P<default>:-[^}]*)?\}")
# How many and where is for each way of running to say; what runs is the same in all.
SIZES = {"--workers", "--concurrency", "--blocking-threads"}
PLACES = {"--host", "--port", "--address"}
SECRET = "Vb3x kQ9 mZ7t pL2w rN8y cD5f gH4j"


def container_words(container: Mapping[str, Any]) -> list[str]:
    """Entrypoint and command of a container."""
    return [*container.get("entrypoint", []), *shlex.split(container["command"])]


def process_words(command: str) -> list[str]:
    """A Procfile's command without the `env` that sets its variables."""
    words = shlex.split(command)
    start = next(i for i, word in enumerate(words) if word in ("granian", "celery", "python"))
    assert words[0] == "env", f"{command} has no environment of its own"
    return words[start:]


def core(words: list[str]) -> Iterator[str]:
    """The program and what it is told, but for sizes and places."""
    # `--port=80` is `--port 80`
    parts = iter([part for word in words for part in (word.split("=", 1) if word[:2] == "--" else [word])])
    for word in parts:
        if word in SIZES | PLACES:
            next(parts)
        else:
            yield "python" if word == "python3" else word


def environment_of(name: str, **given: str) -> dict[str, str]:
    """What the container is told, its variables filled in as Compose does."""
    told = CONTAINERS[name].get("environment", {})
    passed_on = {key: given[key] for key, value in told.items() if value is None and key in given}
    return passed_on | {key: fill_in(str(value), given) for key, value in told.items() if value is not None}


def given_keys() -> dict[str, str]:
    """What `.env` has to hold before anything of ours starts."""
    passwords = {
        found["name"] for found in VARIABLE.finditer(COMPOSE_TEXT) if found["default"] == ":-microstore"
    }
    keys = {"LISTINGS_SECRET_KEY", "TRANSACTIONS_SECRET_KEY", *passwords}
    return dict.fromkeys(keys, SECRET) | make_jwt_keys()


def fill_in(text: str, given: Mapping[str, str]) -> str:
    """Compose's interpolation of `${NAME:-default}`."""
    return VARIABLE.sub(lambda found: given.get(found["name"]) or (found["default"] or "")[2:], text)


def read_settings(
    environment: Mapping[str, str], *, argv: Sequence[str] = ()
) -> "subprocess.CompletedProcess[str]":
    """Let a fresh interpreter read the settings in this environment and no other."""
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.argv = {argv or ['']}; import microstore.settings"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def variables_of_the_settings() -> set[str]:
    """The names that microstore/settings.py reads from the environment."""
    settings = (ROOT / "microstore/settings.py").read_text()
    return set(re.findall(r'(?:env\.\w+|required)\(\s*"(\w+)"', settings))
