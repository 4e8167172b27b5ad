"""Publishing with pipelined confirms, each matched to its message."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from amqp.exceptions import AccessRefused
from celery import Celery
from celery.utils import uuid
from kombu import Connection, Producer

from microstore.contracts.contract import AnyContract
from microstore.messaging.envelope import Payload, publish_command, publish_fact
from microstore.messaging.topology import is_amqp

CONFIRM_TIMEOUT_SECONDS = 8
SOCKET_TIMEOUT_SECONDS = 8


def open_connection(app: Celery) -> Connection:
    """Return a connection on which a frozen broker is an error after SOCKET_TIMEOUT_SECONDS."""
    timeouts = {"read_timeout": SOCKET_TIMEOUT_SECONDS, "write_timeout": SOCKET_TIMEOUT_SECONDS}
    return app.connection_for_write(
        heartbeat=0, connect_timeout=SOCKET_TIMEOUT_SECONDS, transport_options=timeouts if is_amqp() else None
    )


class BrokerSilent(Exception):
    """The broker did not confirm in time: the messages may have arrived or not."""


@dataclass(eq=False)
class Batch:
    """Payloads of one contract that share a message, and the broker's refusals of it.

    `with_fact` is False where a command is sent again whose fact others have been sent.
    """

    contract: AnyContract
    payloads: Sequence[Payload]
    keys: Sequence[int] = ()
    attempts: int = 0
    with_fact: bool = True
    refusals: list[str] = field(default_factory=list)


class Publisher:
    """A broker connection that publishes many messages before it waits for their confirms.

    Confirms are matched by delivery tag, and any error drops the channel: py-amqp's own `confirm_publish`
    takes any confirm for the one it waits for, also a stale one.
    """

    def __init__(self, app: Celery) -> None:
        self.app = app
        self._connection: Connection | None = None
        self._producer: Producer | None = None
        self._confirms = False
        self._next_tag = 1
        self._by_tag: dict[int, Batch] = {}
        self._by_task_id: dict[str, Batch] = {}

    def publish(self, batches: Sequence[Batch]) -> None:
        """Publish all and wait for the broker's answers; refusals are added to their batches.

        Raises BrokerSilent or a connection error when it is not known which messages have arrived.
        """
        try:
            self._publish_all(batches)
        except AccessRefused as error:
            self.close()
            if len(batches) > 1:
                # Which of them it was is not known. One right that is missing must hold up nothing else.
                for batch in batches:
                    self.publish([batch])
            else:
                batches[0].refusals.append(str(error))
        except Exception:
            self.close()
            raise

    def _publish_all(self, batches: Sequence[Batch]) -> None:
        producer = self._producer or self._connect()
        for batch in batches:
            if batch.contract.to:
                self._publish(publish_command, producer, batch)
            if batch.contract.fact and batch.with_fact:
                self._publish(publish_fact, producer, batch)
        self._await_confirms()
        if any(batch.refusals for batch in batches):
            # RabbitMQ 3.10 goes on refusing on a channel after a full quorum queue has room again.
            self.close()

    def connection(self) -> Connection:
        """Return the connection, opened if there is none."""
        if self._connection is None:
            self._connect()
        assert self._connection is not None
        return self._connection

    def close(self) -> None:
        """Drop the connection without waiting for a broker that may be gone or frozen."""
        connection, self._connection, self._producer = self._connection, None, None
        self._by_tag.clear()
        self._by_task_id.clear()
        if connection is not None:
            connection.collect(socket_timeout=1)

    def _connect(self) -> Producer:
        self._connection = open_connection(self.app)
        self._confirms = self._connection.transport.driver_type == "amqp"
        channel = self._connection.channel()
        if self._confirms:
            channel.confirm_select()
            channel.events["basic_ack"].add(self._on_ack)
            channel.events["basic_nack"].add(self._on_nack)
            channel.events["basic_return"].add(self._on_return)
        self._next_tag = 1
        self._producer = Producer(channel, auto_declare=False)
        return self._producer

    def _publish(self, publish: Callable[..., None], producer: Producer, batch: Batch) -> None:
        task_id = uuid()
        if self._confirms:
            self._by_tag[self._next_tag] = self._by_task_id[task_id] = batch
            self._next_tag += 1
        publish(self.app, producer, batch.contract, batch.payloads, task_id=task_id)

    def _await_confirms(self) -> None:
        deadline = time.monotonic() + CONFIRM_TIMEOUT_SECONDS
        while self._by_tag:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise BrokerSilent(
                    f"{len(self._by_tag)} messages not confirmed in {CONFIRM_TIMEOUT_SECONDS} s"
                )
            self.connection().drain_events(timeout=remaining)
        self._by_task_id.clear()

    def _answered(self, tag: int, multiple: bool) -> list[Batch]:
        tags = [t for t in self._by_tag if t <= tag] if multiple else [tag]
        return [self._by_tag.pop(t) for t in tags]

    def _on_ack(self, tag: int, multiple: bool) -> None:
        self._answered(tag, multiple)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        for batch in self._answered(tag, multiple):
            batch.refusals.append("refused by the broker")

    def _on_return(self, error: Exception, exchange: str, routing_key: str, message: Any) -> None:
        # Comes before the confirm of the same message, which is an acknowledgement all the same.
        batch = self._by_task_id[message.properties["correlation_id"]]
        batch.refusals.append(f"no queue for {routing_key!r} at exchange {exchange!r}")
