"""Depths of the broker's queues, and dead letters that wait for a decision."""

from audit.check import Check
from audit.snapshots import Snapshots
from microstore.celery import app
from microstore.messaging import topology
from microstore.messaging.sending.publisher import open_connection

Depths = dict[str, int]  # messages ready, by queue


def measure_queues() -> tuple[Depths, Check]:
    """Count the ready messages of each queue; a missing broker or queue is a disagreement."""
    depths: Depths = {}
    queues = topology.all_queues()
    check = Check("queues", "the broker answers and has every queue", len(queues))
    connection = open_connection(app)
    try:
        connection.connect()
        # Passive: nothing is created. In Redis an empty queue does not exist, and this would fail.
        passive = connection.transport.driver_type == "amqp"
        for queue in queues:
            try:
                # RabbitMQ closes the channel when a queue is missing: one channel for each.
                with connection.channel() as channel:
                    depths[queue.name] = queue(channel).queue_declare(passive=passive).message_count
            except connection.channel_errors as error:
                check.add(f"queue {queue.name}", str(error))
    except (OSError, *connection.connection_errors) as error:
        check.add("broker", repr(error))
    finally:
        connection.collect(socket_timeout=1)
    return depths, check


def find_warnings(snapshots: Snapshots, depths: Depths) -> list[str]:
    """Return a line for each place where dead letters wait: no disagreement, but work for a person."""
    warnings = []
    for service, snapshot in (("listings", snapshots.listings), ("transactions", snapshots.transactions)):
        waiting = snapshot.count("messaging_deadletter", "state = 'waiting'")
        if waiting:
            warnings.append(f"{waiting} dead letters of {service} wait for a decision")
        if in_broker := depths.get(f"{service}.dead"):
            warnings.append(f"{in_broker} dead letters of {service} wait in the broker for its relay")
    return warnings
