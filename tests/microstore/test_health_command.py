"""Probes of processes without an address."""

import os
import re
import time
from pathlib import Path

import pytest
from django.core.management import call_command
from kombu import Connection
from pytest_django import Settings
from structlog.testing import capture_logs

from microstore.celery import app
from microstore.messaging.models import QueueDepth
from microstore.messaging.receiving import worker_heartbeat
from microstore.messaging.sending.monitored_relay import MonitoredRelay
from microstore.messaging.topology import all_queues
from microstore.telemetry import health
from tests.support.ports import closed_port

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def heartbeat(settings: Settings, tmp_path: Path) -> Path:
    """The file that the process touches."""
    file = tmp_path / "heartbeat"
    settings.HEARTBEAT_FILE = str(file)
    return file


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and what was said."""
    try:
        call_command("health", *arguments)
    except SystemExit as end:
        return int(str(end.code)), capsys.readouterr().out
    return 0, capsys.readouterr().out


def test_a_relay_is_healthy_when_it_made_a_round_lately(
    broker: Connection, heartbeat: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, "relay") == (1, "database: ok\nbroker: ok\nheartbeat: no heartbeat yet\n")
    relay = MonitoredRelay(app)
    relay.step()
    assert told(capsys, "relay") == (0, "database: ok\nbroker: ok\nheartbeat: ok\n")
    measured = dict(QueueDepth.objects.values_list("queue", "messages"))
    assert measured == {queue.name: 0 for queue in all_queues()}
    long_ago = time.time() - 1000
    os.utime(heartbeat, (long_ago, long_ago))
    code, said = told(capsys, "relay", "--alive")
    assert code == 1
    assert re.fullmatch(r"heartbeat: last heartbeat 10\d\d s ago\n", said)
    relay.close()


def test_a_relay_without_its_broker_does_not_beat(
    broker: Connection, heartbeat: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closed_port() as port:
        relay = MonitoredRelay(app)
        monkeypatch.setattr(
            relay.publisher, "connection", lambda: Connection(f"amqp://127.0.0.1:{port}//").connect()
        )
        with pytest.raises(OSError, match="refused"):
            relay.step()
    assert not heartbeat.exists()


def test_a_worker_beats_only_while_it_consumes(heartbeat: Path) -> None:
    class TaskConsumer:
        queues = ("notifications",)
        active: set[str] = set()

        def consuming_from(self, queue: str) -> bool:
            return queue in self.active

    class Worker:
        task_consumer: TaskConsumer | None = None

    worker = Worker()
    worker_heartbeat.remember_consumer(worker)
    worker_heartbeat.beat_while_consuming()
    assert not heartbeat.exists()  # the broker is away
    worker.task_consumer = TaskConsumer()
    worker_heartbeat.beat_while_consuming()
    assert not heartbeat.exists()  # the broker has cancelled it
    worker.task_consumer.active.add("notifications")
    worker_heartbeat.beat_while_consuming()
    assert heartbeat.exists()


def test_the_reason_of_a_failing_check_is_logged_and_not_shown() -> None:
    def unreachable() -> str:
        raise ConnectionError("10.0.0.7 refused")

    with capture_logs() as lines:
        found = health.run_checks({"database": unreachable, "broker": lambda: "ok"})
    assert found == {"database": "ConnectionError", "broker": "ok"}
    assert {"event": "not_ready", "log_level": "warning", "database": "ConnectionError"} in lines
    [reason] = [line for line in lines if line["event"] == "check_failed"]
    assert reason["check"] == "database"
    assert "10.0.0.7 refused" in reason["error"]


def test_a_check_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    released = threading.Event()
    monkeypatch.setattr(health, "LIMIT_SECONDS", 0.05)
    hangs = lambda: str(released.wait(60))  # noqa: E731
    assert health.run_checks({"database": hangs}) == {"database": "no answer in 0.05 s"}
    released.set()


def test_without_a_file_the_probe_says_what_to_set(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.HEARTBEAT_FILE = ""
    code, said = told(capsys, "worker", "--alive")
    assert code == 1
    assert "HEARTBEAT_FILE is not set" in said


@pytest.mark.parametrize(("seconds", "code"), [(60, 0), (100, 1)])
def test_reconcile_is_alive_when_it_made_a_round_lately(
    heartbeat: Path, capsys: pytest.CaptureFixture[str], seconds: int, code: int
) -> None:
    heartbeat.touch()
    then = time.time() - seconds
    os.utime(heartbeat, (then, then))
    assert told(capsys, "reconcile", "--alive")[0] == code
