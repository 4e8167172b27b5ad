"""Reading AMQP properties: one that py-amqp cannot read must not end the process.

py-amqp reads them in its reader of frames. A header with a time beyond the year 9999 (of a client that sends
milliseconds) raises there: the worker exits, starts again, meets the same message and exits.
"""

from collections.abc import Mapping
from typing import Any

from amqp import serialization, spec

DEATHS = "x-death"  # header of a message that the broker has dead-lettered, or that a client has so named
READERS: dict[Any, Any] = serialization.PROPERTY_CLASSES
_read = READERS[spec.Basic.CLASS_ID]


def read_properties(buffer: bytes, offset: int) -> tuple[dict[str, Any], int]:
    """Return the properties and where they end; headers that hold the bytes where they cannot be read."""
    try:
        properties, end = _read(buffer, offset)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the message's fault
        unread = bytes(buffer[offset:])
        headers: dict[str, Any] = {"unreadable": repr(error), "x-bytes": unread.hex()}
        if DEATHS.encode() in unread:
            headers[DEATHS] = [repr(error)]  # perhaps one that the broker cannot read, either
        return {"application_headers": headers}, len(buffer)
    return properties, end


def has_false_deaths(headers: object) -> bool:
    """Return whether RabbitMQ must not dead-letter a message with these headers: it has not written them.

    It counts on, and its process fails where that is no number (seen with 3.10.8). It is started again, fails
    again, and is given up with those of all other queues: no dead letter, no delay and no retry arrives.
    """
    deaths = headers.get(DEATHS) if isinstance(headers, Mapping) else None
    return isinstance(deaths, list) and not all(
        isinstance(death, Mapping) and type(death.get("count", 1)) is int for death in deaths
    )


def make_all_readable() -> None:
    """Make py-amqp use `read_properties` in this process."""
    READERS[spec.Basic.CLASS_ID] = read_properties
