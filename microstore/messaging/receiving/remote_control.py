"""Remote control of workers: what Flower reads of them, and nothing that changes what they do."""

from copy import copy
from typing import Any

import structlog
from celery.worker.consumer.control import Control
from celery.worker.control import Panel
from celery.worker.pidbox import Pidbox
from django.conf import settings
from kombu.common import ignore_errors

log = structlog.get_logger(__name__)

# Whoever starts processes stops them. `revoke` would lose a message, `add_consumer` take another service's.
COMMANDS = frozenset(
    {
        *("ping", "stats", "conf", "report", "registered", "active_queues", "query_task", "clock"),
        *("active", "reserved", "scheduled", "revoked", "enable_events", "disable_events", "heartbeat"),
    }
)


class Mailbox(Pidbox):
    """A worker's mailbox with COMMANDS alone; others are logged as unknown.

    Over a connection of its own where CONTROL_BROKER_URL is set. Whoever may declare and read a queue chooses
    where its dead letters go, by any key; so that user may publish nothing that a service believes.
    """

    connection: Any = None

    def __init__(self, consumer: Any) -> None:
        super().__init__(consumer)
        self.node.handlers = {name: Panel.data[name] for name in COMMANDS}
        # Replies go by this connection, too, and not by that of the tasks' producers.
        self.node.mailbox = copy(self.node.mailbox)
        self.node.mailbox.producer_pool = None

    def start(self, consumer: Any) -> None:
        """Open the mailbox; a worker that may not, or whose user may not log in, works without."""
        url, broker = settings.CONTROL_BROKER_URL, consumer.connection
        # Of a broker that is away the next step finds out.
        refusals = (*broker.channel_errors, *(broker.connection_errors if url else ()))
        try:
            if url:
                self._connect(consumer, url)
            self._listen()
        except refusals as error:
            log.warning("no_remote_control", error=repr(error))
            self.stop(consumer)

    def _connect(self, consumer: Any, url: str) -> None:
        connection = consumer.app.connection_for_read(url)
        connection.connect()
        self.connection = connection
        if consumer.hub:
            connection.transport.register_with_event_loop(connection.connection, consumer.hub)

    def _listen(self) -> None:
        self.node.channel = (self.connection or self.c.connection).channel()
        self.consumer = self.node.listen(callback=self.on_message)
        self.consumer.on_decode_error = self.c.on_decode_error

    def reset(self) -> None:
        """Open the mailbox on a new channel, after a command that has failed."""
        self._close_channel(self.c)
        self._listen()

    def stop(self, consumer: Any) -> None:
        """Close the mailbox, and its own connection."""
        self._close_channel(consumer)
        self.consumer = None
        if connection := self.connection:
            self.connection = None
            if consumer.hub and connection.connected:
                consumer.hub.remove_reader(connection.connection.sock)
            ignore_errors(connection, connection.close)


class ReadingControl(Control):
    """Celery's step with this mailbox."""

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self.box = Mailbox(consumer)
        self.start, self.stop, self.shutdown = self.box.start, self.box.stop, self.box.shutdown
