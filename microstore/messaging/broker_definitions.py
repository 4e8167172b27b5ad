"""The topology as a file that RabbitMQ imports at its start, so that one without data has its queues."""

import json
from collections.abc import Mapping
from typing import Any, Self, cast

from kombu import Connection

from microstore.messaging import topology
from microstore.messaging.project import registry

Definition = dict[str, Any]
VHOST = "/"


class Recorder:
    """A connection and its channel at once, which keeps each declaration instead of sending it."""

    def __init__(self) -> None:
        self.exchanges: list[Definition] = []
        self.queues: list[Definition] = []
        self.bindings: list[Definition] = []

    def channel(self) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def exchange_declare(self, exchange: str, type: str, durable: bool, **_: Any) -> None:  # noqa: A002  # AMQP's
        self._keep(self.exchanges, name=exchange, type=type, durable=durable, internal=False, arguments={})

    def prepare_queue_arguments(self, arguments: Definition, **_: Any) -> Definition:
        return arguments

    def queue_declare(self, queue: str, durable: bool, arguments: Definition, **_: Any) -> None:
        self._keep(self.queues, name=queue, durable=durable, arguments=arguments)

    def queue_bind(self, queue: str, exchange: str, routing_key: str, **_: Any) -> None:
        self._bind(exchange, queue, "queue", routing_key)

    def exchange_bind(self, destination: str, source: str, routing_key: str, **_: Any) -> None:
        self._bind(source, destination, "exchange", routing_key)

    def _bind(self, source: str, destination: str, kind: str, key: str) -> None:
        ends = {"source": source, "destination": destination, "destination_type": kind}
        self._keep(self.bindings, **ends, routing_key=key, arguments={})

    def _keep(self, kept: list[Definition], **definition: Any) -> None:
        auto_delete = {} if "source" in definition else {"auto_delete": False}
        whole = {"vhost": VHOST, **definition, **auto_delete}
        if whole not in kept:
            kept.append(whole)


def make_definitions() -> dict[str, list[Definition]]:
    """Return every exchange, queue and binding in the format of `rabbitmqctl import_definitions`."""
    recorder = Recorder()
    topology.declare(cast("Connection", recorder), registry().services)
    return {"exchanges": recorder.exchanges, "queues": recorder.queues, "bindings": recorder.bindings}


def to_text(definitions: Mapping[str, list[Definition]]) -> str:
    """Return them as JSON with a line each."""
    lines = {
        kind: ",\n".join(f"    {json.dumps(each)}" for each in made) for kind, made in definitions.items()
    }
    return "{\n" + ",\n".join(f'  "{kind}": [\n{made}\n  ]' for kind, made in lines.items()) + "\n}"
