"""What a service has published, read back from the real broker."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from kombu import Connection, Queue

from microstore.celery import app
from microstore.contracts.registry import SERVICES
from microstore.messaging import topology


class Mailbox:
    """Takes the messages out of one queue."""

    def __init__(self, connection: Connection, queue: Queue) -> None:
        self.queue = queue(connection.default_channel)

    def take(self) -> list[tuple[str, Sequence[Any]]]:
        """Each message's task and events. What was published has been confirmed, so it is there."""
        taken = []
        while message := self.queue.get(no_ack=True):
            args, _, _ = message.decode()
            taken.append((message.headers["task"], args[0]))
        return taken


@contextmanager
def commands_to(service: str) -> Iterator[Mailbox]:
    """The service's own queue, emptied before and after."""
    with app.connection_for_write() as connection:
        topology.declare(connection, SERVICES)
        mailbox = Mailbox(connection, topology.service_queue(service))
        mailbox.queue.purge()
        yield mailbox
        mailbox.queue.purge()


@contextmanager
def facts(routing_key: str) -> Iterator[Mailbox]:
    """A queue of the test's own that receives the events of this key."""
    with app.connection_for_write() as connection:
        topology.declare(connection, SERVICES)
        name = f"test.{uuid4()}"
        mailbox = Mailbox(connection, Queue(name, topology.EVENTS, routing_key, exclusive=True))
        mailbox.queue.declare()
        yield mailbox
        mailbox.queue.delete()
