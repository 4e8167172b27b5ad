"""What the broker must have is declared by code, and differences are found."""

import re

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from kombu import Connection, Queue

from microstore.contracts.registry import SERVICES
from microstore.messaging import topology

DEAD_QUEUE = f"{settings.SERVICE}.dead"


def test_declaring_twice_does_no_harm(broker: Connection) -> None:
    assert topology.declare(broker, SERVICES) == topology.declare(broker, SERVICES)
    assert topology.find_differences(broker) == []


def test_the_command_declares_and_checks(broker: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    broker.default_channel.queue_delete(DEAD_QUEUE)
    with pytest.raises(CommandError, match=re.escape(DEAD_QUEUE)):
        call_command("topology", check=True)
    call_command("topology")
    call_command("topology", check=True)
    assert "The broker has all it needs." in capsys.readouterr().out


def test_a_queue_with_other_arguments_is_a_difference(broker: Connection) -> None:
    broker.default_channel.queue_delete(DEAD_QUEUE)
    with broker.channel() as channel:
        Queue(DEAD_QUEUE, durable=True)(channel).queue_declare()
    try:
        [difference] = topology.find_differences(broker)
        assert DEAD_QUEUE in difference
        assert "x-queue-type" in difference
    finally:
        broker.default_channel.queue_delete(DEAD_QUEUE)
        topology.declare(broker, SERVICES)


def test_the_commands_of_a_service_survive_the_broker(broker: Connection) -> None:
    for service in ("listings", "transactions"):
        queue = topology.service_queue(service)
        assert queue.durable
        assert queue.queue_arguments["x-queue-type"] == "quorum"
        assert queue.queue_arguments["x-dead-letter-exchange"] == topology.DEAD.name
