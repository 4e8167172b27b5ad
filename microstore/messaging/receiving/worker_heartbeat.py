"""Heartbeat of a worker that is consuming from all its queues."""

from typing import Any

from celery.signals import heartbeat_sent, worker_ready

from microstore.metrics.exposition import expose
from microstore.telemetry.heartbeat import beat

_consumers: list[Any] = []


@worker_ready.connect
def remember_consumer(sender: Any, **_: Any) -> None:
    # The consumer outlives its connections.
    _consumers[:] = [sender]
    expose()


@heartbeat_sent.connect
def beat_while_consuming(**_: Any) -> None:
    # Sent every two seconds by the worker's own loop, so one that hangs or has no broker does not beat.
    for consumer in _consumers:
        tasks = consumer.task_consumer
        if tasks is not None and tasks.queues and all(map(tasks.consuming_from, tasks.queues)):
            beat()
