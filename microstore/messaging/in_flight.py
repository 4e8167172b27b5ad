"""Messages that wait in the outbox, in the broker or among the dead letters: can this release take them?

Everything is read in the order in which messages move, so that one that moves meanwhile is met again.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from amqp.exceptions import NotFound
from django.conf import settings
from django.db import connection
from kombu import Connection
from kombu.transport.native_delayed_delivery import MAX_LEVEL, level_name

from microstore.contracts.contract import InvalidMessage
from microstore.messaging import topology
from microstore.messaging.dead_letters.replay import NotReplayable, read_letter
from microstore.messaging.dead_letters.store import contract_of
from microstore.messaging.fast_json import loads
from microstore.messaging.models import DeadLetter, OutboxMessage
from microstore.messaging.project import celery_app, registry
from microstore.messaging.receiving.message_schema import find_fault_in

# How the error of a dead letter begins that the release which received it could not take either.
REFUSED_ON_ARRIVAL = (InvalidMessage.__name__, "Rejected:")
READ_AT_ONCE = 2_000  # rows


class Waiting(NamedTuple):
    """A message that waits, and the reason why this release cannot take it; None where it can."""

    place: str
    fault: str | None
    was_refused: bool = False  # on its arrival, too: no news about this release


def find_in_outbox() -> Iterator[Waiting]:
    """Return the messages of the outbox. Before the first migration there are none."""
    if OutboxMessage._meta.db_table not in connection.introspection.table_names():
        return
    rows = OutboxMessage.objects.order_by("id").values_list("id", "contract", "payload")
    for key, name, payload in rows.iterator(READ_AT_ONCE):
        yield Waiting(f"outbox {key}, {name}", _find_fault_of_event(name, payload))


def find_dead_letters() -> Iterator[Waiting]:
    """Return the dead letters that wait for a decision, as a replay would find them."""
    if DeadLetter._meta.db_table not in connection.introspection.table_names():
        return
    # By name: the columns of this release may not have been added yet.
    read = DeadLetter.objects.filter(state=DeadLetter.State.WAITING).order_by("id")
    for letter in read.only("id", "contract", "payload", "raw_body", "error").iterator(READ_AT_ONCE):
        was_refused = letter.error.startswith(REFUSED_ON_ARRIVAL)
        yield Waiting(
            f"dead letter {letter.pk}, {letter.contract}", _find_fault_of_letter(letter), was_refused
        )


def find_in_broker(broker: Connection) -> Iterator[Waiting]:
    """Return the messages of this service that are ready in RabbitMQ: delayed, in its queues, dead.

    Raises amqp.AccessRefused where the user may not read a queue.
    """
    queues = registry().queues_of(settings.SERVICE)
    dead = topology.dead_queue(settings.SERVICE).name
    # From the longest delay to the shortest, as they move; those of other services wait there, too.
    delays = [level_name(level) for level in range(MAX_LEVEL, -1, -1)]
    own = tuple(f".task.{queue}" for queue in queues)
    for queue, message in _peek(broker, [*delays, *queues, dead]):
        headers = message.properties.get("application_headers") or {}
        place = f"queue {queue}, {headers.get('task')} {headers.get('id')}"
        if queue == dead:
            letter = DeadLetter(contract=contract_of(headers), raw_body=message.body)
            yield Waiting(place, _find_fault_of_letter(letter))
        elif queue in queues or message.delivery_info["routing_key"].endswith(own):
            yield Waiting(place, _find_fault_of_message(message.body, message.properties))


def _peek(broker: Connection, queues: Iterable[str]) -> Iterator[tuple[str, Any]]:
    # Nothing is acknowledged, so the broker takes all of it back, in its old order, when the channel closes
    # or this process dies. A quorum queue counts that as a delivery: one more in `x-delivery-count`.
    with broker.channel() as held:
        held.auto_decode = False
        for queue in queues:
            if not _exists(broker, queue):
                continue  # this release brings it
            while message := held.basic_get(queue, no_ack=False):
                yield queue, message


def _exists(broker: Connection, queue: str) -> bool:
    # The broker closes a channel on which a queue is missing, and what the channel holds would go back.
    with suppress(NotFound), broker.channel() as channel:
        channel.queue_declare(queue, passive=True)
        return True
    return False


def _find_fault_of_event(name: str, payload: object) -> str | None:
    contract = registry().find(name)
    if contract is None:
        return f"there is no contract {name!r}"
    try:
        contract.parse(payload)
    except InvalidMessage as error:
        return str(error)
    return None


def _find_fault_of_message(body: bytes, properties: dict[str, Any]) -> str | None:
    # As a worker finds it: the schema of messages, a task that it runs, the contract of each event.
    try:
        headers = properties.get("application_headers") or {}
        # What has waited runs whatever its eta says.
        if fault := find_fault_in(body, properties | {"application_headers": {**headers, "eta": None}}):
            return fault
        task = headers["task"]
        if task not in celery_app().tasks:
            return f"no worker of this service runs {task}"
        (events,), _, _ = loads(body)
    except Exception as error:  # noqa: BLE001  # whatever a body makes the decoder raise
        return repr(error)
    faults = [_find_fault_of_event(task, event) for event in events]
    return next(filter(None, faults), None)


def _find_fault_of_letter(letter: DeadLetter) -> str | None:
    try:
        read_letter(letter)
    except NotReplayable as why_not:
        return str(why_not)
    return None
