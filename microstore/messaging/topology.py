"""Exchanges, queues and bindings in the broker: who declares which, and how a task finds its queue."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import structlog
from amqp.exceptions import AccessRefused
from django.conf import settings
from kombu import Connection, Exchange, Queue
from kombu.transport.native_delayed_delivery import (
    CELERY_DELAYED_DELIVERY_EXCHANGE,
    MAX_LEVEL,
    bind_queue_to_native_delayed_delivery_exchange,
    declare_native_delayed_delivery_exchanges_and_queues,
    level_name,
)

from microstore.contracts.contract import COMMANDS
from microstore.contracts.registration import Registry
from microstore.messaging.project import registry

log = structlog.get_logger(__name__)

TASKS = Exchange(COMMANDS, type="topic")  # commands: one queue a service
EVENTS = Exchange("microstore.events", type="topic")  # facts: every queue bound to their key gets a copy
DEAD = Exchange("microstore.dead", type="topic")  # rejected by a worker or delivered too often
WORKERS = Exchange("celeryev", type="topic")  # events of workers and tasks, for Flower
EXCHANGES = (TASKS, EVENTS, DEAD, WORKERS)
DELAYED = Exchange(CELERY_DELAYED_DELIVERY_EXCHANGE, type="topic")  # commands that have waited

# Redeliveries count even if the task never ran, so a low limit would dead-letter healthy messages after a few
# restarts of their worker.
DELIVERY_LIMIT = 20


class Step(NamedTuple):
    """One declaration, and what exists once it has succeeded."""

    name: str
    act: Callable[[], object]
    makes: Exchange | Queue | None = None


def own_queues(contracts: Registry, service: str, *, broker_url: str) -> list[Queue]:
    """Return the queues that the service's workers consume, for Celery's `task_queues`.

    Celery consumes all of `task_queues` when it is started without `-Q`, so no other service's may be among
    them: its messages would be taken by a worker that cannot run them.
    """
    queues = [_service_queue(name, owner=service) for name in contracts.queues_of(service)]
    for queue in queues:
        # Whoever may declare a queue may let its dead letters go where they themselves may not publish.
        queue.no_declare = broker_url.startswith("amqp")
    return queues


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


def declare_missing(connection: Connection) -> None:
    """Declare one's own service's part where anything of it is missing.

    To look needs no right in the broker, so a process whose queues are there needs none but to read them.
    """
    if is_amqp() and all(_exists(entity, connection) for entity in _needed_by([settings.SERVICE])):
        return
    declare(connection)


def declare(connection: Connection, services: Iterable[str] | None = None) -> list[str]:
    """Create what is missing of the exchanges and of the queues of these services, by default of one's own.

    Repeating it does no harm. Returns the names. What is missing and may not be declared is logged and no
    error: a process has rights for its own queues alone, and those must come back. Raises
    amqp.PreconditionFailed where something of that name exists with other arguments.
    """
    if not is_amqp():
        services = registry().services  # see route_task
    services = [settings.SERVICE] if services is None else list(services)
    for step in _steps(connection, services):
        try:
            step.act()
        except AccessRefused as error:
            if not (step.makes and _exists(step.makes, connection)):
                log.warning("not_declared", name=step.name, error=str(error))
    return [entity.name for entity in (*EXCHANGES, *_queues(services))]


def _steps(connection: Connection, services: Sequence[str]) -> Iterator[Step]:
    for entity in (*EXCHANGES, *_queues(services)):
        yield Step(entity.name, partial(_declare, entity, connection), entity)
    for name, listener in registry().listeners.items():
        for routing_key in listener.bindings if listener.service in services else ():
            bind = partial(_bind, service_queue(name), routing_key, connection)
            yield Step(f"{name} at {EVENTS.name} by {routing_key}", bind)
    if is_amqp():
        delays = partial(declare_native_delayed_delivery_exchanges_and_queues, connection, "quorum")
        yield Step("delayed delivery", delays, DELAYED)
        for name in (queue for service in services for queue in registry().queues_of(service)):
            bind = partial(bind_queue_to_native_delayed_delivery_exchange, connection, service_queue(name))
            yield Step(f"delayed delivery to {name}", bind)


def _declare(entity: Exchange | Queue, connection: Connection) -> None:
    # The broker closes a channel on which it refuses something, so each step has its own.
    with connection.channel() as channel:
        bound = entity(channel)
        if isinstance(entity, Exchange):
            bound.declare()
        else:
            # Not `declare`: that begins with the exchange, for which a worker has no right.
            bound.queue_declare()
            bound.queue_bind()


def _bind(queue: Queue, routing_key: str, connection: Connection) -> None:
    with connection.channel() as channel:
        queue(channel).bind_to(EVENTS, routing_key)


def _needed_by(services: Iterable[str]) -> list[Exchange | Queue]:
    # A queue of delayed delivery is named as the exchange before it.
    delays = [Queue(level_name(level)) for level in range(MAX_LEVEL + 1)]
    return [*EXCHANGES, DELAYED, *delays, *_queues(services)]


def find_differences(connection: Connection) -> list[str]:
    """Return a sentence for each exchange and queue that is missing in the broker or has other arguments.

    Nothing is changed. What belongs to other services, or to Celery, is only looked for: to compare its
    arguments one declares it, and that needs rights for it.
    """
    own = {entity.name for entity in (*EXCHANGES, *_queues([settings.SERVICE]))}
    differences = []
    for entity in _needed_by(registry().services):
        # First: does it exist? Then: declaring an equal one again does nothing.
        for passive in (True, False) if entity.name in own else (True,):
            problem = _try_declare(connection, entity, passive=passive)
            if problem:
                differences.append(problem)
                break
    return differences


def _exists(entity: Exchange | Queue, connection: Connection) -> bool:
    return _try_declare(connection, entity, passive=True) is None


def _try_declare(connection: Connection, entity: Exchange | Queue, *, passive: bool) -> str | None:
    with connection.channel() as channel:
        bound = entity(channel)
        try:
            if isinstance(entity, Exchange):
                bound.declare(passive=passive)
            else:
                bound.queue_declare(passive=passive)
        except connection.channel_errors as error:
            # Who may not declare it cannot compare it.
            return None if isinstance(error, AccessRefused) else f"{entity.name}: {error}"
    return None
