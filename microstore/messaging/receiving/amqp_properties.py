"""Reading AMQP properties: one that py-amqp cannot read must not end the process.

py-amqp reads them in its reader of frames. A header with a time beyond the year 9999 (of a client that sends
milliseconds) raises there: the worker exits, starts again, meets the same message and exits.
"""

from typing import Any

from amqp import serialization, spec

READERS: dict[Any, Any] = serialization.PROPERTY_CLASSES
_read = READERS[spec.Basic.CLASS_ID]


def read_properties(buffer: bytes, offset: int) -> tuple[dict[str, Any], int]:
    """Return the properties and where they end; headers that hold the bytes where they cannot be read."""
    try:
        properties, end = _read(buffer, offset)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the message's fault
        headers = {"unreadable": repr(error), "x-bytes": bytes(buffer[offset:]).hex()}
        return {"application_headers": headers}, len(buffer)
    return properties, end


def make_all_readable() -> None:
    """Make py-amqp use `read_properties` in this process."""
    READERS[spec.Basic.CLASS_ID] = read_properties
