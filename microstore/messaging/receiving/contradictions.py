"""Messages that contradict what their receiver has stored: dead letters at once, since no retry helps."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from microstore.contracts.contract import Contract, M, to_wire
from microstore.messaging.dead_letters import store
from microstore.telemetry.tracing import bound_id


class Contradiction(Exception):
    """The message contradicts what its receiver has stored about the same thing."""


def drop_contradictions(
    contract: Contract[..., M], messages: Sequence[M], find_cause: Callable[[M], str | None]
) -> list[M]:
    """Return the messages that agree with what is stored; each of the others becomes a dead letter.

    `find_cause` returns the contradiction, or None. A redelivered batch finds the same contradictions, and
    the same letters.
    """
    causes = [(message, find_cause(message)) for message in messages]
    for message, cause in causes:
        if cause:
            with bound_id(message.trace):
                error = Contradiction(cause)
                store.dead_letter(contract=contract.name, payload=to_wire(message), error=error, attempts=1)
    return [message for message, cause in causes if not cause]


def split_repeats(messages: list[M]) -> list[list[M]]:
    """Return the messages in lists of which none has two about the same thing; nearly always in one list.

    Handlers compare a message with what is stored, and not with its neighbours: handled after the first, the
    second of two that contradict each other finds it stored.
    """
    keys: list[Any] = [getattr(message, message.key_field) for message in messages]
    if len(set(keys)) == len(keys):
        return [messages] if messages else []
    parts: list[list[M]] = []
    before: Counter[Any] = Counter()
    for key, message in zip(keys, messages, strict=True):
        if before[key] == len(parts):
            parts.append([])
        parts[before[key]].append(message)
        before[key] += 1
    return parts
