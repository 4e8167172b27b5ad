"""The routing key of a message, which has to be that of its task.

RabbitMQ compares topic rights with the key of the publish alone, and not with those in its headers `CC`
and `BCC`, which put a copy into any other queue. It delivers the copy with the key that it has compared.
"""

import re
from collections.abc import Mapping
from typing import Any

from microstore.messaging.project import registry

FACT_KEYS = {contract.name: contract.fact for contract in registry().contracts.values() if contract.fact}
DELAY = re.compile(r"(?:[01]\.)+")  # of delayed delivery, before the key
HERE = "microstore/messaging/receiving/routing_key.py"


def find_foreign_key(task: str, delivery: Mapping[str, Any]) -> str | None:
    """Return why the message has come by a key that its sender may not need the right for, or None."""
    if not delivery["exchange"]:
        return None  # straight into the queue, for which nobody but the administrator has a right
    key = str(delivery["routing_key"])
    wanted = FACT_KEYS.get(task) or f"task.{task.partition('.')[0]}"
    if DELAY.sub("", key, count=1) == wanted:
        return None
    return f"routing_key: {key[:100]}, and {task[:100]} is sent by {wanted[:100]} ({HERE})"


def find_foreign_key_of_dead(headers: Mapping[str, Any]) -> str | None:
    """Return the same of a message that a worker rejected, from what the broker has noted of that."""
    if not (deaths := headers.get("x-death")):
        return None  # of Redis, which has no keys
    delivery = {"exchange": deaths[0]["exchange"], "routing_key": deaths[0]["routing-keys"][0]}
    return find_foreign_key(str(headers["task"]), delivery)
