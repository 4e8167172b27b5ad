"""`manage.py audit` as operators and their programs see it."""

import json
import shutil
from collections.abc import Iterator

import pytest
from django.core.management import CommandError, call_command
from django.db import Error
from pytest_django import Settings

from audit.snapshot import Snapshot
from microstore.celery import app
from microstore.messaging import topology
from stack.places import make_throw_away_folder
from stack.ports import choose_ports
from stack.servers.postgresql import PostgreSQL
from stack.servers.server import Server
from tests.audit.conftest import RunAudit, manage
from tests.audit.shop import Shop
from tests.support.ports import closed_port

HOUR_SECONDS = 3600
QUEUES = ("listings", "notifications", "webhooks", "transactions", "listings.dead", "transactions.dead")


@pytest.mark.parametrize("service", ["listings", "transactions"])
def test_either_service_runs_it_and_the_exit_code_is_the_result(shop: Shop, service: str) -> None:
    shop.sell()
    clean = manage(service, shop.urls, "audit")
    assert clean.returncode == 0, clean.stderr
    assert clean.stdout.endswith("Everything agrees.\n")
    sale = shop.order(age_seconds=HOUR_SECONDS)
    spoiled = manage(service, shop.urls, "audit")
    assert spoiled.returncode == 1, spoiled.stderr
    assert f"pending: order {sale.order_id}: pending since " in spoiled.stdout
    assert spoiled.stdout.endswith("Disagreements: 1.\n")


def test_the_table_shows_every_check_and_says_how_many_more(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(7):
        shop.order(age_seconds=HOUR_SECONDS)
    with pytest.raises(SystemExit):
        call_command("audit")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["check", "examined", "disagreements", "promise"]
    assert "stock 1 0 available + ordered = quantity" in [" ".join(line.split()) for line in lines]
    assert "pending: … and 2 more" in lines
    # Other tests leave messages in the same broker.
    [depths] = [line.removeprefix("queues: ") for line in lines if line.startswith("queues: ")]
    assert {depth.split()[0] for depth in depths.split(", ")} == set(QUEUES)


def test_heal_sends_again_what_is_pending_for_too_long(shop: Shop) -> None:
    shop.order(age_seconds=HOUR_SECONDS)
    shop.order()
    healed = manage("listings", shop.urls, "audit", "--heal", "--json")
    assert healed.returncode == 1
    assert json.loads(healed.stdout)["disagreements"] == 1
    assert "Orders sent again: 1." in healed.stderr
    assert shop.select("listings", "SELECT contract FROM messaging_outboxmessage") == [("order_created",)]


def test_heal_posts_what_the_ledger_lacks(shop: Shop) -> None:
    shop.sell()
    shop.forget_ledger()
    healed = manage("transactions", shop.urls, "audit", "--heal", "--json")
    assert healed.returncode == 1
    assert json.loads(healed.stdout)["disagreements"] == 1
    assert "Journals posted: 1." in healed.stderr
    assert manage("transactions", shop.urls, "audit").returncode == 0


def test_depths_of_queues_are_reported(shop: Shop, run_audit: RunAudit) -> None:
    with app.connection_for_write() as connection:
        queue = topology.dead_queue("transactions")(connection.default_channel)
        queue.purge()
        connection.Producer().publish("?", exchange=topology.DEAD, routing_key="dead.transactions")
        result = run_audit()
        queue.purge()
    assert result.exit_code == 0
    assert result.report["queues"].keys() == set(QUEUES)
    assert result.report["warnings"] == ["1 dead letters of transactions wait in the broker for its relay"]


def test_a_missing_queue_is_found_and_not_created(shop: Shop, run_audit: RunAudit) -> None:
    with app.connection_for_write() as connection:
        topology.dead_queue("listings")(connection.default_channel).delete()
    assert [run_audit().found for _ in range(2)] == [{"queues": ["queue listings.dead"]}] * 2


def test_a_broker_that_is_away_is_found_and_the_rest_is_checked(shop: Shop) -> None:
    shop.order(age_seconds=HOUR_SECONDS)
    with closed_port() as port, pytest.MonkeyPatch.context() as patch:
        patch.setenv("BROKER_URL", f"amqp://guest:guest@127.0.0.1:{port}//")
        result = manage("listings", shop.urls, "audit", "--json")
    report = json.loads(result.stdout)
    found = {check["name"]: check["examples"] for check in report["checks"] if check["disagreements"]}
    assert result.returncode == 1
    assert found.keys() == {"queues", "pending"}
    assert found["queues"][0]["subject"] == "broker"


def test_without_a_database_nothing_is_verified(shop: Shop, settings: Settings) -> None:
    settings.AUDITED_DATABASES = {**shop.urls, "transactions": ""}
    with pytest.raises(CommandError, match="Set TRANSACTIONS_DATABASE_URL") as refused:
        call_command("audit")
    assert refused.value.returncode == 2


@pytest.fixture
def standby() -> Iterator[str]:
    """The URL of a server that only replays what a primary has written."""
    folder = make_throw_away_folder()
    (place := folder / "listings").mkdir(mode=0o711)
    server = PostgreSQL("listings", folder=place, port=choose_ports(1)[0], password="secret")
    server.fsync = False
    try:
        server.prepare()
        (server.data / "standby.signal").touch()
        Server.start(server)  # without the roles: it takes no writes
        yield server.url
    finally:
        server.kill()
        shutil.rmtree(folder)


def test_a_standby_may_lag_and_verifies_nothing(shop: Shop, standby: str, settings: Settings) -> None:
    settings.AUDITED_DATABASES = {**shop.urls, "transactions": standby}
    with pytest.raises(CommandError, match="this is a standby") as refused:
        call_command("audit")
    assert refused.value.returncode == 2


def test_a_database_that_does_not_answer_verifies_nothing(shop: Shop, settings: Settings) -> None:
    with closed_port() as port:
        away = f"postgres://microstore:secret@127.0.0.1:{port}/listings"
        settings.AUDITED_DATABASES = {**shop.urls, "listings": away}
        with pytest.raises(CommandError, match="Cannot read the databases") as refused:
            call_command("audit")
    assert refused.value.returncode == 2


@pytest.mark.parametrize("service", ["listings", "transactions"])
def test_an_audit_cannot_write(shop: Shop, service: str) -> None:
    with Snapshot(shop.urls[service]) as snapshot, pytest.raises(Error, match="read-only"):
        snapshot.all("DELETE FROM messaging_deadletter")


@pytest.mark.parametrize("option", ["--pending-deadline", "--outbox-age"])
@pytest.mark.parametrize("seconds", ["nan", "1e300", "-1"])
def test_a_limit_that_is_no_time_is_no_disagreement(option: str, seconds: str) -> None:
    """Exit code 1 would mean that something was verified."""
    with pytest.raises(CommandError, match="is no number of seconds"):
        call_command("audit", f"{option}={seconds}")
