"""What waits in the broker, and what waits for a person."""

from audit.check import Check
from audit.snapshots import Books
from microstore.celery import app
from microstore.messaging import topology
from microstore.messaging.sending.publisher import open_connection

Depths = dict[str, int]  # messages ready, by queue


def measure_queues() -> tuple[Depths, Check]:
    """How many messages wait in each queue; a broker or a queue that is missing breaks a promise."""
    depths: Depths = {}
    queues = topology.all_queues()
    check = Check("queues", "the broker answers and has every queue", len(queues))
    connection = open_connection(app)
    try:
        connection.connect()
        passive = connection.transport.driver_type == "amqp"  # an empty queue in Redis does not exist
        for queue in queues:
            try:
                with connection.channel() as channel:
                    depths[queue.name] = queue(channel).queue_declare(passive=passive).message_count
            except connection.channel_errors as error:
                check.add(f"queue {queue.name}", str(error))
    except (OSError, *connection.connection_errors) as error:
        check.add("broker", repr(error))
    finally:
        connection.collect(socket_timeout=1)
    return depths, check


def find_warnings(books: Books, depths: Depths) -> list[str]:
    """Dead letters disagree with nobody, but somebody should look at them."""
    warnings = []
    for service, snapshot in (("listings", books.listings), ("transactions", books.transactions)):
        waiting = snapshot.count("messaging_deadletter", "state = 'waiting'")
        if waiting:
            warnings.append(f"{waiting} dead letters of {service} wait for a decision")
        if in_broker := depths.get(f"{service}.dead"):
            warnings.append(f"{in_broker} dead letters of {service} wait in the broker for its relay")
    return warnings
