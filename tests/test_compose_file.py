"""docker-compose.yml: what starts, in which order, with which rights, limits, secrets and settings."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from stack.places import ROOT
from stack.processes.procfile import SERVICES, read_procfile
from stack.processes.secret_holders import DATABASE_ROLES, HOLDERS
from stack.servers.compose import SERVERS
from stack.servers.rabbitmq import TAGS
from tests.support.compose_file import (
    COMPOSE,
    COMPOSE_TEXT,
    CONTAINERS,
    IMAGE,
    OURS,
    PROCESSES,
    VARIABLE,
    environment_of,
    fill_in,
    given_keys,
    process_words,
    read_settings,
    variables_of_the_settings,
)
from tools.settings_page import read_texts

KEYS = {
    "LISTINGS_SECRET_KEY": "SECRET_KEY",
    "JWT_PUBLIC_KEY": "JWT_PUBLIC_KEY",
    "JWT_PRIVATE_KEY": "JWT_PRIVATE_KEY",
}
# Stand-ins for what must be given; places in containers that are not to be chosen.
NOT_PASSED_ON = {"DJANGO_SUPERUSER_PASSWORD", "DEBUG", "LOG_FOLDER", "MEDIA_ROOT", "PAYOUTS_FOLDER"}
# One of all that are told the same.
TOLD_APART = {json.dumps(environment_of(name), sort_keys=True): name for name in reversed(OURS)}


def test_what_runs_once_is_not_started_again() -> None:
    once = {name for name in CONTAINERS if CONTAINERS[name]["restart"] == "no"}
    migrations = {f"{service}-migrate" for service in SERVICES}
    assert once == migrations | {"listings-seed", "transactions-seed", "topology", "audit"}


def test_every_variable_may_be_missing_so_that_one_server_can_start_alone() -> None:
    without_default = [found["name"] for found in VARIABLE.finditer(COMPOSE_TEXT) if not found["default"]]
    assert without_default == []


def test_the_servers_that_the_launcher_starts_tell_when_they_are_ready() -> None:
    for name in SERVERS:
        assert "healthcheck" in CONTAINERS[name], name
        assert all(port.startswith("127.0.0.1:") for port in CONTAINERS[name]["ports"])


def test_nothing_is_published_beyond_this_machine() -> None:
    published = [port for container in CONTAINERS.values() for port in container.get("ports", [])]
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


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
    assert all(CONTAINERS[name]["command"].endswith("seed --known-passwords") for name in seeds)
    for container in CONTAINERS.values():
        for name in seeds & set(container.get("depends_on", {})):
            assert container["depends_on"][name]["required"] is False


@pytest.mark.parametrize("name", TOLD_APART.values())
def test_the_settings_are_content_with_what_a_container_is_told(name: str) -> None:
    read = read_settings(environment_of(name, **given_keys()))
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
    wanting = set(re.findall(r"\$\{(\w+(?:_KEYS?|_PASSWORD|_AUTH)):-", COMPOSE_TEXT))
    assert wanting == set(given)
    assert len(set(given.values())) == len(given)
    for name, argv in {
        "listings-api": ["granian", "--interface", "wsgi"],
        "flower": ["celery", "flower"],
    }.items():
        read = read_settings(environment_of(name, **given), argv=argv)
        assert read.returncode == 0, read.stderr


@pytest.mark.parametrize("missing", KEYS)
def test_a_key_that_is_missing_is_named(missing: str) -> None:
    told = environment_of("listings-api", **given_keys() | {missing: ""})
    read = read_settings(told, argv=["granian", "--interface", "wsgi"])
    assert f"Set {KEYS[missing]} in the environment" in read.stderr


def test_who_signs_nothing_starts_without_a_key_to_sign_with() -> None:
    signing = ("LISTINGS_SECRET_KEY", "TRANSACTIONS_SECRET_KEY", "JWT_PRIVATE_KEY")
    public = {name: value for name, value in given_keys().items() if name not in signing}
    for name in ("listings-worker", "notifications-worker", "listings-relay", "transactions-relay"):
        read = read_settings(environment_of(name, **public), argv=process_words(PROCESSES[name])[1:])
        assert read.returncode == 0, read.stderr


def test_flower_starts_with_a_password_only() -> None:
    argv = ["celery", "-A", "microstore.celery", "flower"]
    open_to_all = read_settings(environment_of("flower", **given_keys()), argv=argv)
    assert "Set FLOWER_BASIC_AUTH in the environment" in open_to_all.stderr
    given = given_keys() | {"FLOWER_BASIC_AUTH": "flower:a crunchy armchair"}
    closed = read_settings(environment_of("flower", **given), argv=argv)
    assert closed.returncode == 0, closed.stderr


NOWHERE = "postgres:///nowhere"
ONCE = {name for name in OURS if CONTAINERS[name]["restart"] == "no"}


def holders_of(secret: str) -> set[str]:
    told = {name: container.get("environment", {}) for name, container in CONTAINERS.items()}
    return {name for name in told if told[name].get(secret, NOWHERE) != NOWHERE}


@pytest.mark.parametrize("secret", HOLDERS)
def test_a_secret_is_given_to_those_who_use_it(secret: str) -> None:
    assert holders_of(secret) - ONCE == HOLDERS[secret]
    used_once = {"BROKER_URL": {"topology", "audit"}, "DATABASE_URL": ONCE}
    assert holders_of(secret) & ONCE == used_once.get(secret, set())


@pytest.mark.parametrize("name", HOLDERS["DATABASE_URL"])
def test_a_process_logs_in_to_the_database_with_its_role(name: str) -> None:
    role = urlsplit(CONTAINERS[name]["environment"]["DATABASE_URL"]).username
    assert role == DATABASE_ROLES.get(name, "microstore_app")
    variable = f"{role.removeprefix('microstore_').upper()}_DATABASE_URL"
    service = CONTAINERS[name]["environment"]["MICROSTORE_SERVICE"]
    named = variable if name in DATABASE_ROLES else f"{service.upper()}_DATABASE_URL"
    assert f" DATABASE_URL=${named} " in PROCESSES[name]


def test_every_setting_reaches_a_container() -> None:
    """Also what libraries and the fee function read: all of docs/reference/settings.md."""
    passed_on = {
        variable for container in CONTAINERS.values() for variable in container.get("environment", {})
    }
    assert set(read_texts()) - passed_on == NOT_PASSED_ON


def test_nothing_is_told_that_nobody_reads() -> None:
    read = variables_of_the_settings()
    assert {"DATABASE_URL", "MICROSTORE_SERVICE", "LOG_LEVEL"} <= read
    known = read | {"LISTINGS_DATABASE_URL", "TRANSACTIONS_DATABASE_URL"}
    # Read by libraries.
    known |= {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
    known |= {"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_HEADERS"}
    for name in OURS:
        told = {variable for variable in environment_of(name) if not variable.startswith("FLOWER_")}
        assert told <= known, f"{name} is told {told - known}"


def test_only_the_api_of_the_listings_can_sign_tokens() -> None:
    assert [name for name in CONTAINERS if "JWT_PRIVATE_KEY" in environment_of(name)] == ["listings-api"]
    for name, command in {**PROCESSES, **read_procfile(ROOT / "Procfile.embedded")}.items():
        takes_it_away = re.search(r" JWT_PRIVATE_KEY= | -u JWT_PRIVATE_KEY ", command)
        assert bool(takes_it_away) != (name == "listings-api"), name


def test_no_process_reaches_the_database_of_the_other_service() -> None:
    both = {name for name in CONTAINERS if len(set(SERVICES) & set(CONTAINERS[name].get("networks", []))) > 1}
    assert both == {"audit"}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_has_no_rights_and_limits_of_its_own(name: str) -> None:
    container = CONTAINERS[name]
    assert container["cap_drop"] == ["ALL"]
    assert "cap_add" not in container
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["mem_limit"]
    assert container["pids_limit"]


HEALTH = (ROOT / "microstore/telemetry/health.py").read_text()
WITHIN_SECONDS = {
    name: int(value) for name, value in re.findall(r"^(\w+)_SECONDS = (\d+)", HEALTH, re.MULTILINE)
}
HEARTBEATS = {
    name: container["healthcheck"]["test"]
    for name, container in CONTAINERS.items()
    if "heartbeat" in str(container.get("healthcheck"))
}


def test_what_has_no_address_is_known_by_its_heartbeat() -> None:
    running = {name for name in OURS if CONTAINERS[name]["restart"] != "no"}
    served = {name for name in running if "urlopen" in str(CONTAINERS[name]["healthcheck"])}
    assert set(HEARTBEATS) == running - served


@pytest.mark.parametrize("name", HEARTBEATS)
def test_a_heartbeat_is_a_file_of_a_certain_age_at_most(name: str, tmp_path: Path) -> None:
    kind, text = HEARTBEATS[name]
    assert kind == "CMD-SHELL"
    assert CONTAINERS[name]["environment"]["HEARTBEAT_FILE"] in text
    heartbeat = tmp_path / "heartbeat"
    looking = text.replace("$$", "$").replace("/tmp/heartbeat", str(heartbeat))
    within_seconds = WITHIN_SECONDS["ROUND" if name.endswith(("reconcile", "payouts")) else "HEARTBEAT"]

    def is_healthy() -> bool:
        return subprocess.run(["sh", "-c", looking], check=False, stderr=subprocess.DEVNULL).returncode == 0

    assert not is_healthy()
    heartbeat.touch()
    for age, healthy in {within_seconds - 5: True, within_seconds + 5: False}.items():
        os.utime(heartbeat, (time.time() - age, time.time() - age))
        assert is_healthy() == healthy


def test_the_broker_has_a_user_for_all_who_have_rights_in_it() -> None:
    users = json.loads(fill_in(COMPOSE["configs"]["broker-users"]["content"], {}))["users"]
    rights = json.loads((ROOT / "deploy/rabbitmq/definitions.json").read_text())["permissions"]
    assert {user["name"] for user in users} == {right["user"] for right in rights}
    assert {user["name"]: user["tags"] for user in users if user["tags"]} == TAGS
