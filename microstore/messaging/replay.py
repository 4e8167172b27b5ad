"""What a person does about dead letters: replay or discard them."""

import json
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from microstore.contracts.contract import AnyContract, InvalidMessage, Message
from microstore.contracts.registry import CONTRACTS
from microstore.messaging import outbox
from microstore.messaging.models import DeadLetter

log = structlog.get_logger(__name__)


class NotReplayable(Exception):
    """The letter cannot be sent again; the message says why."""


def replay(letter_id: int, *, by: str) -> int:
    """Send a waiting letter's events again, through the outbox; returns how many.

    The letter and its events change in one transaction, and the row is locked: two people, or one with two
    clicks, replay it once. Raises NotReplayable, and then nothing has changed.
    """
    with transaction.atomic():
        letter = _lock_waiting(letter_id)
        contract, messages = read_letter(letter)
        for message in messages:
            outbox.send_again(contract, message)
        _decide(letter, DeadLetter.State.REPLAYED, by=by)
    return len(messages)


def discard(letter_id: int, *, by: str) -> None:
    """Put a waiting letter aside for good; it is kept. Raises NotReplayable where it is not waiting."""
    with transaction.atomic():
        _decide(_lock_waiting(letter_id), DeadLetter.State.DISCARDED, by=by)


def read_letter(letter: DeadLetter) -> tuple[AnyContract, list[Message]]:
    """The contract and the events of a letter, valid by today's contract; raises NotReplayable."""
    payloads = [letter.payload] if letter.raw_body is None else _events_in(bytes(letter.raw_body))
    contract = CONTRACTS.get(letter.contract.rpartition(".")[2])
    if contract is None:
        raise NotReplayable(f"There is no contract {letter.contract!r}.")
    try:
        return contract, [contract.parse(payload) for payload in payloads]
    except InvalidMessage as error:
        raise NotReplayable(str(error)) from error


def _events_in(body: bytes) -> list[Any]:
    """The events in the body of a Celery message, `[[events], kwargs, embed]`."""
    try:
        match json.loads(body):
            case [[list() as events], dict(), _]:
                return events
    except (ValueError, RecursionError) as error:
        raise NotReplayable(f"The message cannot be read: {error}") from error
    raise NotReplayable("The message is not a list of events.")


def _lock_waiting(letter_id: int) -> DeadLetter:
    letter = DeadLetter.objects.select_for_update().filter(id=letter_id).first()
    if letter is None:
        raise NotReplayable(f"There is no dead letter {letter_id}.")
    if letter.state != DeadLetter.State.WAITING:
        raise NotReplayable(f"Dead letter {letter_id} was {letter.state} by {letter.decided_by}.")
    return letter


def _decide(letter: DeadLetter, state: str, *, by: str) -> None:
    letter.state, letter.decided_at, letter.decided_by = state, timezone.now(), by
    letter.save(update_fields=["state", "decided_at", "decided_by"])
    log.info("dead_letter_decided", dead_letter=letter.pk, state=state, by=by)
