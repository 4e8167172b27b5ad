"""Copies of every command that passes through the broker."""

from collections.abc import Iterator
from typing import Any

from kombu import Connection, Queue
from kombu.message import Message

from microstore.contracts.registry import SERVICES
from microstore.messaging import topology
from tests.support.market import Market

PREFIX = "copy."


def copies(market: Market) -> tuple[Connection, list[Queue]]:
    """Queues that get a copy of every command from now on; they are deleted when they are drained."""
    connection = Connection(market.services.rabbitmq.url, transport_options={"confirm_publish": True})
    queues = []
    for service in SERVICES:
        queue = Queue(PREFIX + service, topology.TASKS, routing_key=f"task.{service}", auto_delete=False)
        queue(connection.default_channel).declare()
        queues.append(queue)
    return connection, queues


def drain(connection: Connection, queue: Queue) -> Iterator[Message]:
    """What has been copied to the queue, which is deleted then."""
    bound = queue(connection.default_channel)
    while message := bound.get(no_ack=True):
        yield message
    bound.delete()


def take_copies(connection: Connection, queues: list[Queue]) -> list[list[Any]]:
    """The events of each message."""
    return [message.decode()[0][0] for queue in queues for message in drain(connection, queue)]
