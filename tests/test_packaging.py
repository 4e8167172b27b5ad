"""The image, the compose file and the documents say what the Procfile, the settings and the code say."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack.compose import SERVICES, ComposeServers
from stack.keys import make_jwt_keys
from stack.procfile import read_procfile

ROOT = Path(__file__).parent.parent
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
CONTAINERS: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROCESSES = read_procfile(ROOT / "Procfile")

VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?P<default>:-[^}]*)?\}")
# How many and where is for each way of running to say; what runs is the same in all.
SIZES = {"--workers", "--concurrency", "--blocking-threads"}
PLACES = {"--host", "--port", "--address"}
SECRET = "0123456789 abcdefghijklmnopqrstuvwxyz"
KEYS = ("SECRET_KEY", "JWT_PUBLIC_KEY", "JWT_PRIVATE_KEY")


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
    values = {key: str(value) for key, value in CONTAINERS[name].get("environment", {}).items()}
    return {key: fill_in(value, given) for key, value in values.items()}


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


IMAGE = f"microstore:{PYPROJECT['project']['version']}"
OURS = [name for name, container in CONTAINERS.items() if container["image"] == IMAGE]
# One of all that are told the same.
TOLD_APART = {json.dumps(environment_of(name), sort_keys=True): name for name in reversed(OURS)}


@pytest.mark.parametrize("name", PROCESSES)
def test_every_process_runs_the_same_in_a_container(name: str) -> None:
    assert name in CONTAINERS, f"docker-compose.yml lacks {name}"
    in_container = list(core(container_words(CONTAINERS[name])))
    assert in_container == list(core(process_words(PROCESSES[name])))
    assert CONTAINERS[name]["restart"] == "unless-stopped"


def test_sizes_and_places_are_all_that_may_differ() -> None:
    assert list(core(["granian", "--port", "8000", "--no-ws", "a:b"])) == ["granian", "--no-ws", "a:b"]
    assert list(core(["celery", "flower", "--address=0.0.0.0", "--port=5"])) == ["celery", "flower"]
    assert list(core(["celery", "-Q", "listings", "--concurrency", "2"])) == ["celery", "-Q", "listings"]


def test_what_runs_once_is_not_started_again() -> None:
    once = {name for name in CONTAINERS if CONTAINERS[name]["restart"] == "no"}
    each_service = {
        f"{service}-{job}" for service in ("listings", "transactions") for job in ("migrate", "seed")
    }
    assert once == each_service | {"topology", "audit"}


def test_every_variable_may_be_missing_so_that_one_server_can_start_alone() -> None:
    without_default = [found["name"] for found in VARIABLE.finditer(COMPOSE_TEXT) if not found["default"]]
    assert without_default == []


def test_the_servers_that_the_launcher_starts_tell_when_they_are_ready() -> None:
    for name in SERVICES:
        assert "healthcheck" in CONTAINERS[name], name
        assert all(port.startswith("127.0.0.1:") for port in CONTAINERS[name]["ports"])


def test_nothing_is_published_beyond_this_machine() -> None:
    published = [port for container in CONTAINERS.values() for port in container.get("ports", [])]
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_every_requirement_is_among_the_versions_that_were_chosen() -> None:
    chosen = set((ROOT / "constraints.txt").read_text().lower().replace("_", "-").splitlines())
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / name).read_text().lower().splitlines()
        wanted = {re.sub(r"\[.*?\]", "", line).replace("_", "-") for line in lines if "==" in line}
        assert {line for line in wanted if line not in chosen} == set()


def test_every_image_is_pinned() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    images = {container["image"] for container in CONTAINERS.values()} | set(bases)
    assert [image for image in images if not re.search(r":v?\d+\.\d+[\w.-]*$", image)] == []


def test_one_service_builds_the_image_of_all() -> None:
    """Images that are built apart differ in their ids, and the next `up` would replace every process."""
    assert {CONTAINERS[name]["image"] for name in PROCESSES if name != "fees"} == {IMAGE}
    assert [name for name, container in CONTAINERS.items() if "build" in container] == ["listings-migrate"]


def mounted_volumes() -> Iterator[tuple[str, str, bool]]:
    """Each named volume with an image that mounts it, and whether that image may fill it."""
    for container in CONTAINERS.values():
        for mount in container.get("volumes", []):
            source, copies = (
                (mount.partition(":")[0], True)
                if isinstance(mount, str)
                else (mount["source"], not mount.get("volume", {}).get("nocopy", False))
            )
            if source in COMPOSE["volumes"]:
                yield source, container["image"], copies


def test_a_volume_takes_its_owner_from_one_image() -> None:
    """Docker fills a new volume from the image of whichever container is first, with its owner."""
    mounted = list(mounted_volumes())
    assert {volume for volume, _, _ in mounted} == set(COMPOSE["volumes"])
    for volume in COMPOSE["volumes"]:
        images = {image for name, image, _ in mounted if name == volume}
        filling = {image for name, image, copies in mounted if name == volume and copies}
        assert filling == ({IMAGE} if IMAGE in images else images)
        assert len(filling) == 1, f"{filling} would both fill {volume}"


def test_what_runs_once_is_awaited_by_somebody() -> None:
    """`up --wait` fails when a container ends that nobody depends on."""
    awaited = {
        name
        for container in CONTAINERS.values()
        for name, how in container.get("depends_on", {}).items()
        if how["condition"] == "service_completed_successfully"
    }
    once = {name for name in CONTAINERS if CONTAINERS[name]["restart"] == "no"}
    by_hand = {name for name in once if "by-hand" in CONTAINERS[name].get("profiles", [])}
    assert awaited == once - by_hand


def test_known_passwords_are_made_where_a_demonstration_is_wanted() -> None:
    seeds = {name for name in OURS if "manage.py seed" in CONTAINERS[name]["command"]}
    assert {name for name in CONTAINERS if "demonstration" in CONTAINERS[name].get("profiles", [])} == seeds
    for container in CONTAINERS.values():
        for name in seeds & set(container.get("depends_on", {})):
            assert container["depends_on"][name]["required"] is False


@pytest.mark.parametrize("name", TOLD_APART.values())
def test_the_settings_are_content_with_what_a_container_is_told(name: str) -> None:
    read = read_settings(environment_of(name, SECRET_KEY=SECRET, **make_jwt_keys()))
    assert read.returncode == 0, read.stderr


def test_the_keys_that_make_env_writes_are_all_that_a_container_lacks(tmp_path: Path) -> None:
    said = [
        subprocess.run(
            [ROOT / "deploy/write_env.sh"], cwd=tmp_path, check=True, capture_output=True, text=True
        )
        for _ in range(2)
    ]
    assert [each.stdout for each in said] == ["wrote .env\n", ".env exists already\n"]
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    given = dict(re.findall(r"^(\w+)='([^']*)'$", (tmp_path / ".env").read_text(), re.MULTILINE))
    assert {name for name in given if f"${{{name}:-" not in COMPOSE_TEXT} == set()
    for name, argv in {
        "listings-api": ["granian", "--interface", "wsgi"],
        "flower": ["celery", "flower"],
    }.items():
        read = read_settings(environment_of(name, **given), argv=argv)
        assert read.returncode == 0, read.stderr


@pytest.mark.parametrize("missing", KEYS)
def test_a_key_that_is_missing_is_named(missing: str) -> None:
    keys = {"SECRET_KEY": SECRET, **make_jwt_keys()} | {missing: ""}
    read = read_settings(environment_of("listings-api", **keys), argv=["granian", "--interface", "wsgi"])
    assert f"Set {missing} in the environment" in read.stderr


def test_who_signs_nothing_starts_without_the_private_key() -> None:
    keys = {"SECRET_KEY": SECRET, **make_jwt_keys()} | {"JWT_PRIVATE_KEY": ""}
    for argv in (["celery", "worker"], ["granian", "--interface", "asginl"], ["manage.py", "relay"]):
        read = read_settings(environment_of("listings-worker", **keys), argv=argv)
        assert read.returncode == 0, read.stderr


def test_flower_starts_with_a_password_only() -> None:
    argv = ["celery", "-A", "microstore.celery", "flower"]
    keys = {"SECRET_KEY": SECRET, **make_jwt_keys()}
    open_to_all = read_settings(environment_of("flower", **keys), argv=argv)
    assert "Set FLOWER_BASIC_AUTH in the environment" in open_to_all.stderr
    closed = read_settings(environment_of("flower", **keys, FLOWER_BASIC_AUTH="flower:crunchy"), argv=argv)
    assert closed.returncode == 0, closed.stderr


def test_nothing_is_told_that_nobody_reads() -> None:
    read = variables_of_the_settings()
    assert {"DATABASE_URL", "MICROSTORE_SERVICE", "LOG_LEVEL"} <= read
    known = read | {"LISTINGS_DATABASE_URL", "TRANSACTIONS_DATABASE_URL"}
    for name in OURS:
        told = {variable for variable in environment_of(name) if not variable.startswith("FLOWER_")}
        assert told <= known, f"{name} is told {told - known}"


def test_only_the_api_of_the_listings_can_sign_tokens() -> None:
    assert [name for name in CONTAINERS if "JWT_PRIVATE_KEY" in environment_of(name)] == ["listings-api"]
    for name, command in {**PROCESSES, **read_procfile(ROOT / "Procfile.embedded")}.items():
        takes_it_away = re.search(r" JWT_PRIVATE_KEY= | -u JWT_PRIVATE_KEY ", command)
        assert bool(takes_it_away) != (name == "listings-api"), name


def test_no_process_reaches_the_database_of_the_other_service() -> None:
    both = {
        name
        for name in CONTAINERS
        if {"listings", "transactions"} <= set(CONTAINERS[name].get("networks", []))
    }
    assert both == {"audit"}


def test_the_gateway_knows_the_processes_by_their_names() -> None:
    names = re.findall(
        r"^\s*set \$\w+ ([\w-]+):8000;", (ROOT / "deploy/gateway.conf").read_text(), re.MULTILINE
    )
    assert sorted(names) == ["listings-api", "listings-live"]
    for name in names:
        assert "--port 8000" in CONTAINERS[name]["command"]


def test_the_image_holds_every_package_of_the_services_and_no_other() -> None:
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    packages = set(PYPROJECT["tool"]["importlinter"]["root_packages"]) - {"fees", "stack"}
    assert allowed == packages | {"requirements.txt", "constraints.txt", "manage.py"}


def test_the_image_runs_without_rights_and_without_a_shell_in_between() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*$", final, re.MULTILINE)
    assert "pip install" not in final
    [command] = re.findall(r"^CMD (.+)$", final, re.MULTILINE)
    assert list(core(json.loads(command))) == list(core(process_words(PROCESSES["listings-api"])))


def has_compose() -> bool:
    """Whether the Docker client is there with its Compose plugin; no engine is needed."""
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not has_compose(), reason="needs docker with its compose plugin")
def test_compose_understands_the_file_without_any_variable() -> None:
    bare = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    told = {name: os.environ[name] for name in ("DOCKER_CONFIG",) if name in os.environ}
    command = ["docker", "compose", "--file", str(ROOT / "docker-compose.yml"), "--env-file", os.devnull]
    checked = subprocess.run(
        [*command, "--profile", "*", "config", "--quiet"],
        env=bare | told,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    urls = ComposeServers().environment()
    assert urls["LISTINGS_DATABASE_URL"].endswith("/listings")
    assert urls["BROKER_URL"].startswith("amqp://microstore:")
