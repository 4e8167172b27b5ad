"""Servers from docker-compose.yml, with a stand-in for Docker that writes down what it was asked."""

import json
from pathlib import Path

import pytest

from stack.servers import compose
from stack.servers.compose import SERVERS, find_compose_servers

DATABASE = {
    "POSTGRES_USER": "microstore",
    "POSTGRES_PASSWORD": "secret",
    "MICROSTORE_APP_PASSWORD": "another",
    "MICROSTORE_NOTIFICATIONS_PASSWORD": "fifth",
    "MICROSTORE_WEBHOOKS_PASSWORD": "sixth",
}
BROKER_USERS = [{"name": "microstore", "password": "secret"}, {"name": "listings", "password": "third"}]
CONFIGURATION = {
    "services": {
        "listings-db": {
            "environment": {**DATABASE, "POSTGRES_DB": "listings"},
            "ports": [{"target": 5432, "published": "5433"}],
        },
        "transactions-db": {
            "environment": {**DATABASE, "POSTGRES_DB": "transactions"},
            "ports": [{"target": 5432, "published": "5434"}],
        },
        "rabbitmq": {
            "ports": [{"target": 15672, "published": "15672"}, {"target": 5672, "published": "5673"}],
        },
        "redis": {
            "environment": {"REDISCLI_AUTH": "fourth"},
            "ports": [{"target": 6379, "published": "6380"}],
        },
    },
    "configs": {"broker-users": {"content": json.dumps({"users": BROKER_USERS})}},
}
DOCKER = """\
#!/bin/sh
echo "$@" >> {folder}/asked
case "$*" in
    info) exit {engine} ;;
    *version) exit {compose} ;;
    *config*) cat {folder}/configuration.json ;;
    *running*) echo redis ;;
esac
"""


class Docker:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(self, *, engine: int, compose: int = 0) -> None:
        (self.folder / "configuration.json").write_text(json.dumps(CONFIGURATION))
        program = self.folder / "docker"
        program.write_text(DOCKER.format(folder=self.folder, engine=engine, compose=compose))
        program.chmod(0o755)

    def asked(self) -> str:
        return (self.folder / "asked").read_text()


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    file = tmp_path / "docker-compose.yml"
    file.touch()
    monkeypatch.setattr(compose, "FILE", file)
    monkeypatch.setattr(compose, "make_run_folder", lambda name: tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return Docker(tmp_path)


def test_without_an_engine_docker_is_passed_over(docker: Docker) -> None:
    docker.install(engine=1)
    assert find_compose_servers() is None


def test_without_compose_docker_is_passed_over(docker: Docker) -> None:
    docker.install(engine=0, compose=1)
    assert find_compose_servers() is None


def test_the_urls_are_read_from_the_file_as_docker_understands_it(docker: Docker) -> None:
    docker.install(engine=0)
    servers = find_compose_servers()
    assert servers
    assert servers.environment() == {
        "LISTINGS_DATABASE_URL": "postgres://microstore:secret@127.0.0.1:5433/listings",
        "TRANSACTIONS_DATABASE_URL": "postgres://microstore:secret@127.0.0.1:5434/transactions",
        "LISTINGS_APP_DATABASE_URL": "postgres://microstore_app:another@127.0.0.1:5433/listings",
        "TRANSACTIONS_APP_DATABASE_URL": "postgres://microstore_app:another@127.0.0.1:5434/transactions",
        "NOTIFICATIONS_DATABASE_URL": "postgres://microstore_notifications:fifth@127.0.0.1:5433/listings",
        "WEBHOOKS_DATABASE_URL": "postgres://microstore_webhooks:sixth@127.0.0.1:5433/listings",
        "BROKER_URL": "amqp://microstore:secret@127.0.0.1:5673//",
        "LISTINGS_BROKER_URL": "amqp://listings:third@127.0.0.1:5673//",
        "CHANNEL_LAYER_URL": "redis://:fourth@127.0.0.1:6380/0",
    }


def test_what_ran_before_is_left_running(docker: Docker) -> None:
    docker.install(engine=0)
    servers = find_compose_servers()
    assert servers
    assert servers.find_stopped() == [service for service in SERVERS if service != "redis"]
    servers.start()
    assert f"up --detach --wait {' '.join(SERVERS)}" in docker.asked()
    servers.stop()
    assert "stop listings-db rabbitmq transactions-db\n" in docker.asked()
    assert compose.started_before() == []
