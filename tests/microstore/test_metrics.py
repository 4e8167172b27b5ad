"""What Prometheus is told."""

import os
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from microstore.contracts.registry import CONTRACTS
from microstore.messaging.dead_letters import store
from microstore.messaging.metrics import count_dead_letter, start_at_zero
from microstore.messaging.models import DeadLetter, OutboxMessage, QueueDepth
from microstore.metrics import exposition, folder
from stack.ports import choose_ports
from tests.support.samples import read_samples

pytestmark = pytest.mark.django_db(transaction=True)


def scrape(client: Client) -> dict[tuple[str, ...], float]:
    response = client.get("/metrics")
    assert response.status_code == 200
    return read_samples(response.content.decode())


def test_it_is_told_what_waits_and_since_when(client: Client) -> None:
    assert scrape(client)["microstore_outbox_oldest_seconds",] == 0
    for minutes in (2, 1, -5):  # the last one is a replay's, due later
        at = timezone.now() - timedelta(minutes=minutes)
        OutboxMessage.objects.create(contract="order_created", payload={}, created_at=at, due_at=at)
    store.dead_letter(contract="item_sold", payload={}, error=ValueError("till is shut"), attempts=3)
    QueueDepth.objects.create(queue="listings", messages=7, consumers=1, measured_at=timezone.now())
    seen = scrape(client)
    assert seen["microstore_outbox_messages",] == 3
    assert 120 <= seen["microstore_outbox_oldest_seconds",] < 180
    assert seen["microstore_dead_letters_waiting",] == 1
    assert seen["microstore_queue_messages", "listings"] == 7
    assert 0 <= seen["microstore_relay_seen_seconds",] < 60
    assert seen["microstore_database_up",] == 1


def test_requests_are_counted_by_route_and_not_by_address(client: Client) -> None:
    before = scrape(client)
    client.get("/health/live?armchair=crunchy")
    client.head("/health/live")
    client.get("/no/such/armchair")
    client.generic("CRUNCH", "/health/live")
    after = scrape(client)
    for labels in (("GET", "health/live", "200"), ("HEAD", "health/live", "200"), ("GET", "none", "404")):
        sample = ("microstore_request_seconds_count", *labels)
        assert after[sample] == before.get(sample, 0) + 1
    names = {name for sample in after for name in sample}
    assert "other" in names
    assert not {name for name in names if "armchair" in name.lower() or name == "CRUNCH"}


def test_without_its_database_a_process_tells_what_it_has_counted(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.get("/health/live")

    def is_away() -> None:
        raise OperationalError("the database has gone")

    monkeypatch.setattr(transaction, "atomic", is_away)
    seen = scrape(client)
    assert seen["microstore_database_up",] == 0
    assert seen["microstore_request_seconds_count", "GET", "health/live", "200"] >= 1
    assert ("microstore_outbox_messages",) not in seen


def test_what_strangers_call_a_task_is_no_name_of_a_number(client: Client) -> None:
    count_dead_letter("celery.backend_cleanup.of.a.stranger")
    count_dead_letter("listings.item_sold")
    seen = {sample for sample in scrape(client) if sample[0] == "microstore_dead_lettered_messages_total"}
    # Beside these two there is whatever other tests have counted in this process.
    assert {label for _, label in seen} >= {"unknown", "item_sold"}
    assert not {label for _, label in seen if "stranger" in label}
    assert DeadLetter.objects.count() == 0


def test_every_contract_is_counted_from_0(client: Client) -> None:
    start_at_zero()
    shown = client.get("/metrics").content.decode()
    counters = ("published", "refused", "handled", "dead_lettered", "retried")
    lines = [
        f'microstore_{name}_messages_total{{contract="{each}"' for name in counters for each in CONTRACTS
    ]
    assert [line for line in lines if line not in shown] == []


def test_a_process_without_an_address_answers_on_a_port_of_its_own(
    settings: Settings, client: Client
) -> None:
    client.get("/health/live")
    [settings.METRICS_PORT] = choose_ports(1)
    exposition.expose()
    with urllib.request.urlopen(f"http://127.0.0.1:{settings.METRICS_PORT}/metrics") as answer:
        seen = read_samples(answer.read().decode())
    assert seen["microstore_request_seconds_count", "GET", "health/live", "200"] >= 1
    assert ("microstore_outbox_messages",) not in seen


def test_a_taken_port_does_not_keep_a_process_from_its_work(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.METRICS_HOST, settings.METRICS_PORT = "192.0.2.1", 9100  # nobody's address: RFC 5737
    exposition.expose()
    assert "metrics_not_exposed" in capsys.readouterr().err


def test_only_processes_with_children_keep_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(folder.VARIABLE, "")
    for argv in (["celery", "worker", "-Q", "listings"], ["granian", "--port", "8000"]):
        folder.share_numbers(str(tmp_path), service="listings", argv=argv)
        assert Path(os.environ[folder.VARIABLE]).parent == tmp_path
    assert len(list(tmp_path.iterdir())) == 2
    for argv in (["manage.py", "health"], ["manage.py", "relay"], ["celery", "flower"]):
        folder.share_numbers(str(tmp_path), service="listings", argv=argv)
        assert folder.VARIABLE not in os.environ


def test_sockets_of_a_process_that_is_gone_are_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(folder.VARIABLE, str(tmp_path))
    files = [f"gauge_livesum_{os.getpid()}.db", "gauge_livesum_99999999.db", "counter_99999999.db"]
    for name in files:
        (tmp_path / name).touch()
    folder.forget_the_dead()
    assert {file.name for file in tmp_path.iterdir()} == {files[0], files[2]}
