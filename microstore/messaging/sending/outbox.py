"""Transactional outbox: a message is sent if, and only if, the surrounding database transaction commits.

PostgreSQL's function `outbox_send` does it in one round trip; another SQL function may call it, too.
"""

from collections.abc import Sequence

from django.db import connection

from microstore.contracts.contract import AnyContract, Contract, Fields, M, Message, to_json

SEND = "SELECT outbox_send(%s, VARIADIC %s::jsonb[])"


class OutsideTransaction(Exception):
    """A message was sent outside a database transaction, so it could be published though the change fails."""


def send(contract: Contract[Fields, M], *args: Fields.args, **fields: Fields.kwargs) -> M:
    """Store a message for the relay and return it; mypy checks its fields, and pydantic their values.

    Raises InvalidMessage where they do not fit the contract, OutsideTransaction outside `atomic()`.
    """
    message = contract(*args, **fields)
    send_again(contract, message)
    return message


def send_again(contract: AnyContract, message: Message) -> None:
    """Store a message that was built before, under the id and the time that it has."""
    _store(contract.name, [message])


def send_all(contract: AnyContract, messages: Sequence[Message]) -> None:
    """Store messages that were built before, by one query."""
    _store(contract.name, messages)


def send_command_again(contract: AnyContract, message: Message) -> None:
    """Store a command that was sent before; its fact is not published again."""
    # The relay's `pack` knows by the task's name that it is the command alone.
    _store(contract.task_name, [message])


def _store(name: str, messages: Sequence[Message]) -> None:
    if not connection.in_atomic_block:
        raise OutsideTransaction(f"{name}: send it inside transaction.atomic().")
    with connection.cursor() as cursor:
        cursor.execute(SEND, [name, [to_json(message) for message in messages]])
