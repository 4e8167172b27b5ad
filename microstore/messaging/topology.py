"""Every exchange, queue and binding in the broker, and how a task finds its queue."""

from typing import Any

from kombu import Connection, Exchange, Queue
from kombu.transport.native_delayed_delivery import (
    bind_queue_to_native_delayed_delivery_exchange,
    declare_native_delayed_delivery_exchanges_and_queues,
)

from microstore.contracts.registry import LISTENERS, QUEUES, SERVICES

TASKS = Exchange("microstore.tasks", type="topic")  # commands: one queue a service
EVENTS = Exchange("microstore.events", type="topic")  # facts: whoever binds a queue to `order.*` hears them
DEAD = Exchange("microstore.dead", type="topic")  # what a worker refused or the broker gave up on

# Every hand-back counts as a delivery, also of messages that never ran: few would punish the innocent.
DELIVERY_LIMIT = 20


def service_queue(name: str) -> Queue:
    """The queue that the Celery workers of a service, or of a listener, consume."""
    service = LISTENERS[name].service if name in LISTENERS else name
    return Queue(
        name,
        TASKS,
        routing_key=f"task.{name}",
        queue_arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-overflow": "reject-publish",
            "x-dead-letter-exchange": DEAD.name,
            "x-dead-letter-routing-key": f"dead.{service}",
            "x-dead-letter-strategy": "at-least-once",
        },
    )


def dead_queue(service: str) -> Queue:
    """Where the service's dead letters wait for its relay to store them."""
    return Queue(
        f"{service}.dead",
        DEAD,
        routing_key=f"dead.{service}",
        queue_arguments={"x-queue-type": "quorum"},
    )


def all_queues() -> list[Queue]:
    """Every queue of ours."""
    return [*(service_queue(name) for name in QUEUES), *(dead_queue(service) for service in SERVICES)]


def route_task(name: str, *_: Any, **__: Any) -> dict[str, str] | None:
    """Celery's router: `transactions.order_created` goes to the queue `transactions`."""
    queue = name.partition(".")[0]
    return {"queue": queue} if queue in QUEUES else None


def declare(connection: Connection) -> list[str]:
    """Create what is missing; repeated as often as anybody likes. Returns the names.

    Raises amqp.PreconditionFailed where something of that name exists with other arguments.
    """
    exchanges = [TASKS, EVENTS, DEAD]
    queues = all_queues()
    channel = connection.default_channel
    for entity in [*exchanges, *queues]:
        entity(channel).declare()
    for name, listener in LISTENERS.items():
        service_queue(name)(channel).bind_to(EVENTS, listener.facts)
    if connection.transport.driver_type == "amqp":
        declare_native_delayed_delivery_exchanges_and_queues(connection, "quorum")
        for name in QUEUES:
            bind_queue_to_native_delayed_delivery_exchange(connection, service_queue(name))
    return [entity.name for entity in [*exchanges, *queues]]


def find_differences(connection: Connection) -> list[str]:
    """What is missing in the broker or has other arguments, one sentence each. Changes nothing."""
    differences = []
    for entity in [TASKS, EVENTS, DEAD, *all_queues()]:
        for passive in (True, False):  # first: does it exist? then: declaring an equal one again does nothing
            problem = _try_declare(connection, entity, passive=passive)
            if problem:
                differences.append(problem)
                break
    return differences


def _try_declare(connection: Connection, entity: Exchange | Queue, *, passive: bool) -> str | None:
    """The broker closes a channel on which it refuses something, so each try has its own."""
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
