"""What the broker must have is declared by code, and differences are found."""

import pytest
from django.core.management import CommandError, call_command
from kombu import Connection, Queue

from microstore.contracts.registry import SERVICES
from microstore.messaging import topology


def test_declaring_twice_does_no_harm(broker: Connection) -> None:
    assert topology.declare(broker, SERVICES) == topology.declare(broker, SERVICES)
    assert topology.find_differences(broker) == []


def test_the_command_declares_and_checks(broker: Connection, capsys: pytest.CaptureFixture[str]) -> None:
    broker.default_channel.queue_delete("listings.dead")
    with pytest.raises(CommandError, match=r"listings\.dead"):
        call_command("topology", check=True)
    call_command("topology")
    call_command("topology", check=True)
    assert "The broker has all it needs." in capsys.readouterr().out


def test_a_queue_with_other_arguments_is_a_difference(broker: Connection) -> None:
    broker.default_channel.queue_delete("listings.dead")
    with broker.channel() as channel:
        Queue("listings.dead", durable=True)(channel).queue_declare()
    try:
        [difference] = topology.find_differences(broker)
        assert "listings.dead" in difference
        assert "x-queue-type" in difference
    finally:
        broker.default_channel.queue_delete("listings.dead")
        topology.declare(broker, SERVICES)


def test_the_commands_of_a_service_survive_the_broker(broker: Connection) -> None:
    for service in ("listings", "transactions"):
        queue = topology.service_queue(service)
        assert queue.durable
        assert queue.queue_arguments["x-queue-type"] == "quorum"
        assert queue.queue_arguments["x-dead-letter-exchange"] == topology.DEAD.name
