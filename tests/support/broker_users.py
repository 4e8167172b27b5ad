"""A RabbitMQ node as it starts, with all of its definitions, and channels of its users."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import amqp

from stack.servers.private import RealServers
from stack.servers.rabbitmq import RabbitMQ


@contextmanager
def fresh_node(folder: Path) -> Iterator[RabbitMQ]:
    """A node of its own with its data in the folder, killed afterwards."""
    folder.chmod(0o755)  # the server runs as another user
    node = RealServers.at(folder).rabbitmq
    node.start()
    yield node
    node.kill()


@contextmanager
def channel_as(user: str, broker: RabbitMQ) -> Iterator[amqp.Channel]:
    """A channel of one of the broker's users."""
    connection = amqp.Connection(
        f"127.0.0.1:{broker.port}", userid=user, password=broker.password, confirm_publish=True
    )
    connection.connect()
    try:
        yield connection.channel()
    finally:
        connection.collect()
