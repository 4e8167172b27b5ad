"""Exchanges, queues and bindings in the broker: who declares which, and how a task finds its queue."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import structlog
from amqp.exceptions import AccessRefused
from django.conf import settings
from kombu import Connection, Exchange, Queue
from kombu.transport.native_delayed_delivery import (
    bind_queue_to_native_delayed_delivery_exchange,
    declare_native_delayed_delivery_exchanges_and_queues,
)

from microstore.contracts.contract import COMMANDS
from microstore.contracts.registration import Registry
from microstore.messaging.project import registry

log = structlog.get_logger(__name__)

TASKS = Exchange(COMMANDS, type="topic")  # commands: one queue a service
EVENTS = Exchange(
    "microstore.events", type="topic"
)  # facts: every queue bound to their routing key gets a copy
DEAD = Exchange("microstore.dead", type="topic")  # rejected by a worker or delivered too often
EXCHANGES = (TASKS, EVENTS, DEAD)
Step = tuple[str, Callable[[], object]]

# Redeliveries count even if the task never ran, so a low limit would dead-letter healthy messages after a few
# restarts of their worker.
DELIVERY_LIMIT = 20


def own_queues(contracts: Registry, service: str) -> list[Queue]:
    """Return the queues that the service's workers consume, for Celery's `task_queues`.

    Celery consumes all of `task_queues` when it is started without `-Q`, so no other service's may be among
    them: its messages would be taken by a worker that cannot run them.
    """
    return [_service_queue(name, owner=service) for name in contracts.queues_of(service)]


def service_queue(name: str) -> Queue:
    """Return the queue that the workers of a service, or of a listener, consume."""
    return _service_queue(name, owner=registry().owner_of(name))


def _service_queue(name: str, *, owner: str) -> Queue:
    return Queue(
        name,
        TASKS,
        routing_key=f"task.{name}",
        queue_arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-overflow": "reject-publish",
            "x-dead-letter-exchange": DEAD.name,
            "x-dead-letter-routing-key": f"dead.{owner}",
            "x-dead-letter-strategy": "at-least-once",
        },
    )


def dead_queue(service: str) -> Queue:
    """Return the queue in which the service's dead letters wait for its relay to store them."""
    return Queue(
        f"{service}.dead",
        DEAD,
        routing_key=f"dead.{service}",
        queue_arguments={"x-queue-type": "quorum"},
    )


def all_queues() -> list[Queue]:
    """Return the queues of all services and listeners, and of their dead letters."""
    return _queues(registry().services)


def _queues(services: Iterable[str]) -> list[Queue]:
    owned = [queue for queue in registry().queues if registry().owner_of(queue) in services]
    return [*map(service_queue, owned), *map(dead_queue, services)]


def route_task(name: str, *_: Any, **__: Any) -> dict[str, Any] | None:
    """Route for Celery: `transactions.order_created` goes to the queue `transactions`.

    Another service's queue is reached through the exchange alone. Celery declares a queue that a route names,
    and a user without rights for it gets a 403 that closes the channel.
    """
    queue = name.partition(".")[0]
    if queue not in registry().queues:
        return None
    if registry().owner_of(queue) == settings.SERVICE:
        return {"queue": queue}
    route = {"exchange": TASKS.name, "exchange_type": TASKS.type, "routing_key": f"task.{queue}"}
    # Redis has no rights, and loses what is published before anybody has bound the queue.
    return route if is_amqp() else route | {"declare": [service_queue(queue)]}


def is_amqp() -> bool:
    """Return whether the broker is RabbitMQ, and not Redis, which confirms and dead-letters nothing."""
    return settings.CELERY_BROKER_URL.startswith("amqp")


def declare(connection: Connection, services: Iterable[str] | None = None) -> list[str]:
    """Create what is missing of the exchanges and of the queues of these services, by default of one's own.

    Repeating it does no harm. Returns the names. A right that is missing is logged and no error: whoever runs
    this may have none for a queue that a deployment brings before its rights, and everything else must go on.
    Raises amqp.PreconditionFailed where something of that name exists with other arguments.
    """
    if not is_amqp():
        services = registry().services  # see route_task
    services = [settings.SERVICE] if services is None else list(services)
    entities = [*EXCHANGES, *_queues(services)]
    steps: list[Step] = [(entity.name, partial(_declare, entity, connection)) for entity in entities]
    for name, listener in registry().listeners.items():
        if listener.service in services:
            queue = service_queue(name)
            steps.append((f"{name} at {EVENTS.name}", partial(_bind, queue, listener.binding, connection)))
    if is_amqp():
        delays = partial(declare_native_delayed_delivery_exchanges_and_queues, connection, "quorum")
        steps.append(("delayed delivery", delays))
        for name in (queue for service in services for queue in registry().queues_of(service)):
            bind = partial(bind_queue_to_native_delayed_delivery_exchange, connection, service_queue(name))
            steps.append((f"delayed delivery to {name}", bind))
    for name, step in steps:
        try:
            step()
        except AccessRefused as error:
            log.warning("not_declared", name=name, error=str(error))
    return [entity.name for entity in entities]


def _declare(entity: Exchange | Queue, connection: Connection) -> None:
    # The broker closes a channel on which it refuses something, so each step has its own.
    with connection.channel() as channel:
        entity(channel).declare()


def _bind(queue: Queue, routing_key: str, connection: Connection) -> None:
    with connection.channel() as channel:
        queue(channel).bind_to(EVENTS, routing_key)


def find_differences(connection: Connection) -> list[str]:
    """Return a sentence for each exchange and queue that is missing in the broker or has other arguments.

    Nothing is changed. What belongs to other services is only looked for: to compare its arguments one
    declares it, and that needs rights for it.
    """
    own = {entity.name for entity in (*EXCHANGES, *_queues([settings.SERVICE]))}
    differences = []
    for entity in [*EXCHANGES, *all_queues()]:
        # First: does it exist? Then: declaring an equal one again does nothing.
        for passive in (True, False) if entity.name in own else (True,):
            problem = _try_declare(connection, entity, passive=passive)
            if problem:
                differences.append(problem)
                break
    return differences


def _try_declare(connection: Connection, entity: Exchange | Queue, *, passive: bool) -> str | None:
    with connection.channel() as channel:
        bound = entity(channel)
        try:
            if isinstance(entity, Exchange):
                bound.declare(passive=passive)
            else:
                bound.queue_declare(passive=passive)
        except connection.channel_errors as error:
            return f"{entity.name}: {error}"
    return None
