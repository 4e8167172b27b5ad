"""A service reads no queue but its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import amqp
import pytest

from stack.servers.private import RealServers
from stack.servers.rabbitmq import USER, RabbitMQ


@contextmanager
def channel_as(user: str, broker: RabbitMQ) -> Iterator[amqp.Channel]:
    """A channel of one of the broker's users."""
    connection = amqp.Connection(f"127.0.0.1:{broker.port}", userid=user, password=broker.password)
    connection.connect()
    try:
        yield connection.channel()
    finally:
        connection.collect()


@pytest.mark.parametrize(
    ("user", "other"),
    [("listings", "transactions"), ("transactions", "listings"), ("notifications", "listings")],
)
def test_a_service_reads_its_own_queue_and_no_other(tmp_path: Path, user: str, other: str) -> None:
    services = RealServers.at(tmp_path)
    broker = services.rabbitmq
    broker.start()
    try:
        with channel_as(USER, broker) as channel:
            for queue in (user, other):
                channel.queue_declare(queue, durable=True, auto_delete=False)
        with channel_as(user, broker) as channel:
            channel.basic_get(user)
            with pytest.raises(amqp.AccessRefused):
                channel.basic_get(other)
        with channel_as("flower", broker) as channel, pytest.raises(amqp.AccessRefused):
            channel.basic_get(user)
    finally:
        broker.kill()
