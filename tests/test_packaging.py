"""The image, the compose file and the documents say what the Procfile, the settings and the code say."""

import ast
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions, requires
from pathlib import Path

import pytest

from stack.places import ROOT
from stack.servers.compose import ComposeServers
from tests.support.compose_file import (
    CONTAINERS,
    DOCKERFILE,
    IMAGE,
    PROCESSES,
    PYPROJECT,
    container_words,
    core,
    fill_in,
    process_words,
)


@pytest.mark.parametrize("name", PROCESSES)
def test_every_process_runs_the_same_in_a_container(name: str) -> None:
    assert name in CONTAINERS, f"docker-compose.yml lacks {name}"
    in_container = list(core(container_words(CONTAINERS[name])))
    assert in_container == list(core(process_words(PROCESSES[name])))
    assert CONTAINERS[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", [name for name, command in PROCESSES.items() if "granian" in command])
def test_every_server_takes_http_1_alone(name: str) -> None:
    """With HTTP/2 granian takes 16 MiB of headers with each request."""
    assert "--http 1" in " ".join(core(process_words(PROCESSES[name])))


def test_sizes_and_places_are_all_that_may_differ() -> None:
    assert list(core(["granian", "--port", "8000", "--no-ws", "a:b"])) == ["granian", "--no-ws", "a:b"]
    assert list(core(["celery", "flower", "--address=0.0.0.0", "--port=5"])) == ["celery", "flower"]
    assert list(core(["celery", "-Q", "listings", "--concurrency", "2"])) == ["celery", "-Q", "listings"]


def test_every_requirement_is_among_the_versions_that_were_chosen() -> None:
    chosen = set((ROOT / "constraints.txt").read_text().lower().replace("_", "-").splitlines())
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (ROOT / name).read_text().lower().splitlines()
        wanted = {re.sub(r"\[.*?\]", "", line).replace("_", "-") for line in lines if "==" in line}
        assert {line for line in wanted if line not in chosen} == set()


def test_the_requirements_bring_what_the_redis_transport_imports() -> None:
    source = Path(str(distribution("kombu").locate_file("kombu/transport/redis.py"))).read_text()
    imports = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    modules = {str(node.module).partition(".")[0] for node in imports if not node.level}
    brought = installed_by(re.findall(r"^[\w-]+", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    packages = packages_distributions()
    wanted = {packages[module][0].lower() for module in modules & packages.keys()}
    assert "packaging" in wanted
    assert wanted - brought == set()


def installed_by(names: Iterable[str]) -> set[str]:
    """The distributions that pip installs for these requirements, without their extras."""
    found: set[str] = set()
    waiting = [name.lower() for name in names]
    while waiting:
        if (name := waiting.pop()) not in found:
            found.add(name)
            with suppress(PackageNotFoundError):  # one for another version of Python
                lines = [line for line in requires(name) or [] if "extra ==" not in line]
                waiting += [re.split(r"[^\w-]", line)[0].lower() for line in lines]
    return found


def test_every_image_is_pinned() -> None:
    [base] = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    assert fill_in(CONTAINERS["listings-migrate"]["build"]["args"]["PYTHON_IMAGE"], {}) == base
    images = {container["image"] for container in CONTAINERS.values()} | {base}
    assert [image for image in images if not re.search(r":v?\d+\.\d+[\w.-]*$", image)] == []


def test_one_service_builds_the_image_of_all() -> None:
    """Images that are built apart differ in their ids, and the next `up` would replace every process."""
    assert {CONTAINERS[name]["image"] for name in PROCESSES if name != "fees"} == {IMAGE}
    assert [name for name, container in CONTAINERS.items() if "build" in container] == ["listings-migrate"]


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
    assert allowed == packages | {"requirements.txt", "requirements-otel.txt", "constraints.txt", "manage.py"}


def test_the_image_runs_without_rights_and_without_a_shell_in_between() -> None:
    final = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER [1-9]\d*$", final, re.MULTILINE)
    assert "pip install" not in final
    [command] = re.findall(r"^CMD (.+)$", final, re.MULTILINE)
    assert list(core(json.loads(command))) == list(core(process_words(PROCESSES["listings-api"])))


def test_the_image_says_what_it_is() -> None:
    [version] = re.findall(r'image\.version="([\d.]+)"', DOCKERFILE)
    assert version == PYPROJECT["project"]["version"]


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
