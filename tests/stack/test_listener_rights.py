"""The user `listener` of the broker: queues of its own with copies of all facts, and nothing else."""

from collections.abc import Iterator

import amqp
import pytest

from stack.servers.rabbitmq import USER, RabbitMQ
from tests.support.broker_users import channel_as, fresh_node

QUEUE = "listener.loyalty.points"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """A node as it starts, with every exchange and queue of ours."""
    with fresh_node(tmp_path_factory.mktemp("listener")) as node:
        yield node


def test_a_listener_reads_facts_from_a_queue_of_its_own(broker: RabbitMQ) -> None:
    with channel_as("listener", broker) as listener, channel_as(USER, broker) as publisher:
        listener.queue_declare(QUEUE, durable=True, auto_delete=False)
        listener.queue_bind(QUEUE, "microstore.events", "order.*")
        publisher.basic_publish(amqp.Message("{}"), "microstore.events", "order.completed")
        fact = listener.basic_get(QUEUE, no_ack=True)
        assert fact
        assert fact.body == "{}"
        listener.queue_delete(QUEUE)


@pytest.mark.parametrize("name", ["spy", "listener", "transactions", "amq.gen-spy", "notlistener.loyalty"])
def test_a_listener_declares_no_other_name(name: str, broker: RabbitMQ) -> None:
    with channel_as("listener", broker) as channel, pytest.raises(amqp.AccessRefused):
        channel.queue_declare(name, durable=True, auto_delete=False)
    with channel_as("listener", broker) as channel, pytest.raises(amqp.AccessRefused):
        channel.exchange_declare(name, "topic", durable=True, auto_delete=False)


@pytest.mark.parametrize("exchange", ["microstore.events", "microstore.tasks", "", "amq.topic"])
def test_a_listener_publishes_nothing(exchange: str, broker: RabbitMQ) -> None:
    with channel_as("listener", broker) as channel, pytest.raises(amqp.AccessRefused):
        channel.basic_publish(amqp.Message("{}"), exchange, "order.completed")


def test_a_listener_copies_no_command(broker: RabbitMQ) -> None:
    with channel_as("listener", broker) as channel:
        channel.queue_declare(QUEUE, durable=True, auto_delete=False)
        with pytest.raises(amqp.AccessRefused):
            channel.queue_bind(QUEUE, "microstore.tasks", "#")
    with channel_as("listener", broker) as channel, pytest.raises(amqp.AccessRefused):
        channel.basic_get("transactions")


def test_who_declares_a_queue_of_ours_with_other_arguments_is_told_which(broker: RabbitMQ) -> None:
    with (
        channel_as(USER, broker) as channel,
        pytest.raises(
            amqp.PreconditionFailed,
            match="inequivalent arg 'x-dead-letter-exchange' for queue 'transactions'",
        ),
    ):
        channel.queue_declare("transactions", durable=True, auto_delete=False)
