"""The servers from docker-compose.yml, where a Docker engine answers."""

import json
import shutil
import subprocess
from collections.abc import Collection
from typing import Any

from stack.failure import CannotRun
from stack.places import ROOT, make_run_folder, write_private
from stack.processes.procfile import SERVICES

ENGINE_ANSWERS_WITHIN_SECONDS = 5
FILE = ROOT / "docker-compose.yml"
SERVERS = (*(f"{service}-db" for service in SERVICES), "rabbitmq", "redis")


class ComposeServers:
    """The servers of the compose file, on the ports and with the passwords that it gives them."""

    def find_stopped(self) -> list[str]:
        """Return the names of those that do not run."""
        running = _compose("ps", "--services", "--status", "running").split()
        return [service for service in SERVERS if service not in running]

    def start(self) -> None:
        """Start what does not run and wait for the file's own health checks."""
        _remember(self.find_stopped())
        _compose("up", "--detach", "--wait", *SERVERS)

    def stop(self, names: Collection[str] | None = None) -> None:
        """Stop these; by default those that this checkout has started."""
        if stopping := sorted(started_before() if names is None else names):
            _compose("stop", *stopping)
        _remember([])

    def environment(self) -> dict[str, str]:
        """The URLs, read from the file as Docker understands it."""
        configuration = json.loads(_compose("config", "--format", "json"))
        services = configuration["services"]
        brokers = _broker_urls(services["rabbitmq"], configuration["configs"]["broker-users"]["content"])
        databases = {
            f"{service.upper()}_{kind}_URL": _database_url(services[f"{service}-db"], role)
            for service in SERVICES
            for kind, role in {"DATABASE": "", "APP_DATABASE": "microstore_app"}.items()
        }
        return {
            **databases,
            "NOTIFICATIONS_DATABASE_URL": _database_url(services["listings-db"], "microstore_notifications"),
            "WEBHOOKS_DATABASE_URL": _database_url(services["listings-db"], "microstore_webhooks"),
            "BROKER_URL": brokers.pop("microstore"),
            **{f"{user.upper()}_BROKER_URL": url for user, url in brokers.items()},
            "CHANNEL_LAYER_URL": _redis_url(services["redis"]),
        }


def find_compose_servers() -> ComposeServers | None:
    """Return them if the compose file is there, and an engine and Compose answer."""
    if not FILE.exists() or not shutil.which("docker"):
        return None
    return ComposeServers() if _succeeds("info") and _succeeds("compose", "version") else None


def started_before() -> list[str]:
    """Return the services this checkout has started and not stopped."""
    state = make_run_folder("services") / "compose.json"
    return list(json.loads(state.read_text())) if state.exists() else []


def _succeeds(*arguments: str) -> bool:
    limit = ENGINE_ANSWERS_WITHIN_SECONDS
    try:
        done = subprocess.run(["docker", *arguments], capture_output=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _remember(names: list[str]) -> None:
    known = {*started_before(), *names} if names else set()
    write_private(make_run_folder("services") / "compose.json", json.dumps(sorted(known)))


def _compose(*arguments: str) -> str:
    command = ["docker", "compose", "--file", str(FILE), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotRun(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout


def _database_url(service: dict[str, Any], role: str) -> str:
    given = service["environment"]
    owner = f"{given['POSTGRES_USER']}:{given['POSTGRES_PASSWORD']}"
    credentials = f"{role}:{given[f'{role.upper()}_PASSWORD']}" if role else owner
    return f"postgres://{credentials}@127.0.0.1:{_published_port(service, 5432)}/{given['POSTGRES_DB']}"


def _broker_urls(service: dict[str, Any], definitions: str) -> dict[str, str]:
    address = f"127.0.0.1:{_published_port(service, 5672)}//"
    users = json.loads(definitions)["users"]
    return {user["name"]: f"amqp://{user['name']}:{user['password']}@{address}" for user in users}


def _redis_url(service: dict[str, Any]) -> str:
    password = service["environment"]["REDISCLI_AUTH"]
    return f"redis://:{password}@127.0.0.1:{_published_port(service, 6379)}/0"


def _published_port(service: dict[str, Any], target: int) -> int:
    published = [port["published"] for port in service.get("ports", []) if port["target"] == target]
    if not published:
        raise CannotRun(f"{FILE.name} publishes no port for {target}")
    return int(published[0])
