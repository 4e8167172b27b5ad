"""A service made by `manage.py startservice` handles a fact once, with the rights of its user."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2
import pytest
from kombu import Connection

from microstore.contracts.samples import read_samples, releases
from stack.places import ROOT
from stack.ports import choose_ports
from stack.processes.environment import make_environment
from stack.processes.procfile import read_procfile
from stack.servers.private import RealServers
from stack.waiting import wait_until
from tests.end_to_end.conftest import own_services
from tests.support.new_service import copy_with_shipping, run

USER = "shipping"
USERS = (USER, f"{USER}_control")


@pytest.fixture
def servers() -> Iterator[RealServers]:
    """The servers, with a database for the service; its database, user and queues are gone afterwards."""
    with own_services() as servers:
        admin = psycopg2.connect(servers.listings_db.url)
        admin.autocommit = True
        with admin.cursor() as cursor:
            cursor.execute("CREATE DATABASE shipping")
            yield servers
            cursor.execute("DROP DATABASE shipping WITH (FORCE)")
        admin.close()
        for user in USERS:
            servers.rabbitmq.ctl("delete_user", user)
        with Connection(servers.rabbitmq.url) as broker:
            for queue in ("shipping", "shipping.dead"):
                broker.default_channel.queue_delete(queue)


def give_rights(servers: RealServers, copy: Path) -> str:
    """Let the broker know the users that the command has written down; return the URL of the service's."""
    written = json.loads((copy / "deploy/rabbitmq/definitions.json").read_text())
    rights = {
        kind: [right for right in written[kind] if right["user"] in USERS]
        for kind in ("permissions", "topic_permissions")
    }
    users = [{"name": user, "password": servers.password, "tags": []} for user in USERS]
    file = servers.rabbitmq.folder / "rights.json"  # which the broker sees in a file system of its own, too
    file.write_text(json.dumps({"users": users, **rights}))
    servers.rabbitmq.ctl("import_definitions", str(file))
    return servers.rabbitmq.url_of(USER)


def settings_of(servers: RealServers, broker_url: str) -> dict[str, str]:
    """What the launcher tells the service's processes."""
    url = servers.listings_db.url.rpartition("/")[0] + "/shipping"
    worker, relay = (str(port) for port in choose_ports(2))
    named = {"MICROSTORE_SERVICE": USER, "DATABASE_URL": url, "DEBUG": "1"}
    control = servers.rabbitmq.url_of(f"{USER}_control")
    own = {
        "SHIPPING_DATABASE_URL": url,
        "SHIPPING_BROKER_URL": broker_url,
        "SHIPPING_CONTROL_BROKER_URL": control,
    }
    ports = {"SHIPPING_WORKER_METRICS_PORT": worker, "SHIPPING_RELAY_METRICS_PORT": relay}
    return servers.environment() | named | own | ports


@contextmanager
def running(copy: Path, name: str, told: dict[str, str]) -> Iterator[Path]:
    """A process of the copy's Procfile; yields its log."""
    command, log = read_procfile(copy / "Procfile")[name], copy / f"{name}.log"
    with (
        log.open("w") as output,
        subprocess.Popen(
            ["sh", "-c", f"exec {command}"],
            cwd=copy,
            env=make_environment(told),
            stdout=output,
            stderr=output,
        ) as process,
    ):
        try:
            yield log
        finally:
            process.terminate()


def publish_completed_order(url: str) -> int:
    """Publish a completed order as it was on the wire, and return who bought."""
    release = releases(ROOT / "microstore/contracts/releases")[-1]
    [fact] = [each for each in read_samples(release) if each.task == "order_completed"]
    properties = fact.properties
    with Connection(url, transport_options={"confirm_publish": True}) as broker:
        broker.Producer().publish(
            fact.body.encode(),
            exchange=fact.exchange,
            routing_key=fact.routing_key,
            headers=properties["application_headers"],
            content_type=properties["content_type"],
            content_encoding=properties["content_encoding"],
        )
    return int(json.loads(fact.body)[0][0][0]["buyer_id"])


def read_buyers(url: str) -> list[int]:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT buyer_id FROM shipping_handledorder")
        return [buyer for (buyer,) in cursor.fetchall()]


@pytest.mark.timeout(300)
def test_a_new_service_handles_a_fact_once_and_its_own_test_passes(
    servers: RealServers, tmp_path: Path
) -> None:
    copy = copy_with_shipping(tmp_path)
    told = settings_of(servers, give_rights(servers, copy))
    for command in (["migrate"], ["topology"]):
        done = run(copy, "python", "manage.py", *command, **told)
        assert done.returncode == 0, done.stderr
    own_test = run(copy, "pytest", "-q", "tests/shipping", **told)
    assert own_test.returncode == 0, own_test.stdout
    with running(copy, "shipping-worker", told) as worker, running(copy, "shipping-relay", told) as relay:
        for _ in range(2):
            buyer = publish_completed_order(servers.rabbitmq.url)
        url = told["DATABASE_URL"]
        assert wait_until(lambda: read_buyers(url) == [buyer], timeout_seconds=60), worker.read_text()
        with Connection(servers.rabbitmq.url) as broker:
            queue = broker.default_channel
            empty = wait_until(
                lambda: queue.queue_declare("shipping", passive=True).message_count == 0, timeout_seconds=30
            )
            assert empty
        assert wait_until(lambda: "relay started" in relay.read_text(), timeout_seconds=30), relay.read_text()
        assert read_buyers(url) == [buyer]
        assert "no_remote_control" not in worker.read_text()
        assert "ACCESS_REFUSED" not in worker.read_text() + relay.read_text()
