"""Previewing, replaying and discarding dead letters."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from microstore.contracts.contract import AnyContract, InvalidMessage, Message, to_wire
from microstore.database.texts import read_reason
from microstore.messaging.fast_json import loads
from microstore.messaging.models import DeadLetter, OutboxMessage
from microstore.messaging.project import find_done, record_decision, registry
from microstore.messaging.sending import outbox

log = structlog.get_logger(__name__)

EVENTS_PER_SECOND = 50.0
SLOWEST, FASTEST = 1 / 3600, 10_000  # what is due in years, a slip has asked for


class NotReplayable(Exception):
    """The letter cannot be sent again; the message says why."""


@dataclass(frozen=True)
class Preview:
    """Outcome of replaying a letter now."""

    letter: DeadLetter
    outcome: str  # `will run`, `already done`, `cannot be replayed`
    detail: str


@dataclass
class Decisions:
    """Result of deciding about several letters."""

    done: int = 0
    events: int = 0
    refused: list[str] = field(default_factory=list)


def preview(letter: DeadLetter) -> Preview:
    """Return the outcome of a replay without changing anything; it may be another one a moment later."""
    try:
        contract, messages = read_letter(letter)
    except NotReplayable as why_not:
        return Preview(letter, "cannot be replayed", str(why_not).partition("\n")[0])
    if letter.state != DeadLetter.State.WAITING:
        return Preview(letter, f"was {letter.state}", f"by {letter.decided_by}")
    done = set() if contract.to in registry().listeners else find_done(messages)
    left = sum(message.event_id not in done for message in messages)
    if not left:
        return Preview(letter, "already done", "Its effect is there already; a replay changes nothing.")
    return Preview(letter, "will run", f"{left} of {len(messages)} events are not done yet.")


def replay(letter_id: int, *, by: str, reason: str, after_seconds: float = 0) -> int:
    """Send a waiting letter's events again, through the outbox; return how many.

    Raises NotReplayable or ReasonMissing, and then nothing has changed.
    """
    with transaction.atomic():
        # Locked before its state is read: two people, or one with two clicks, replay it once.
        letter = _lock_waiting(letter_id)
        contract, messages = read_letter(letter)
        _send(contract, messages, after_seconds)
        _decide(letter, DeadLetter.State.REPLAYED, by=by, reason=reason)
    return len(messages)


def discard(letter_id: int, *, by: str, reason: str) -> None:
    """Mark a waiting letter as discarded; the row stays. Raises NotReplayable or ReasonMissing."""
    with transaction.atomic():
        _decide(_lock_waiting(letter_id), DeadLetter.State.DISCARDED, by=by, reason=reason)


def replay_all(
    letter_ids: Iterable[int], *, by: str, reason: str, rate: float = EVENTS_PER_SECOND
) -> Decisions:
    """Replay each letter in a transaction of its own; the outbox releases `rate` events a second."""
    decisions = Decisions()
    for letter_id in letter_ids:
        try:
            after = decisions.events / rate
            decisions.events += replay(letter_id, by=by, reason=reason, after_seconds=after)
            decisions.done += 1
        except NotReplayable as why_not:
            decisions.refused.append(f"{letter_id}: {why_not}")
    return decisions


def discard_all(letter_ids: Iterable[int], *, by: str, reason: str) -> Decisions:
    """Discard each letter in a transaction of its own."""
    decisions = Decisions()
    for letter_id in letter_ids:
        try:
            discard(letter_id, by=by, reason=reason)
            decisions.done += 1
        except NotReplayable as why_not:
            decisions.refused.append(f"{letter_id}: {why_not}")
    return decisions


def read_letter(letter: DeadLetter) -> tuple[AnyContract, list[Message]]:
    """Return contract and events of a letter, valid by the contract of this release; raises NotReplayable."""
    payloads = [letter.payload] if letter.raw_body is None else _events_in(bytes(letter.raw_body))
    contract = registry().find(letter.contract)
    if contract is None:
        raise NotReplayable(f"There is no contract {letter.contract!r}.")
    try:
        return contract, [contract.parse(payload) for payload in payloads]
    except InvalidMessage as error:
        raise NotReplayable(str(error)) from error


def _events_in(body: bytes) -> list[Any]:
    # Of a Celery message: `[[events], kwargs, embed]`.
    try:
        # As the worker does: a stock client's ids and times have types of kombu's.
        match loads(body):
            case [[list() as events], dict(), _]:
                return events
    except Exception as error:  # whatever a body makes the decoder raise
        raise NotReplayable(f"The message cannot be read: {error}") from error
    raise NotReplayable("The message is not a list of events.")


def _send(contract: AnyContract, messages: Sequence[Message], after_seconds: float) -> None:
    # Others were sent the fact when its sender sent the command, and this service may not publish it.
    if not after_seconds:
        for message in messages:
            outbox.send_command_again(contract, message)
        return
    due_at = Now() + timedelta(seconds=after_seconds)  # by the database's clock, as the relay reads it
    OutboxMessage.objects.bulk_create(
        OutboxMessage(contract=contract.task_name, payload=to_wire(message), due_at=due_at)
        for message in messages
    )


def _lock_waiting(letter_id: int) -> DeadLetter:
    letter = DeadLetter.objects.select_for_update().filter(id=letter_id).first()
    if letter is None:
        raise NotReplayable(f"There is no dead letter {letter_id}.")
    if letter.state != DeadLetter.State.WAITING:
        raise NotReplayable(f"Dead letter {letter_id} was {letter.state} by {letter.decided_by}.")
    return letter


def _decide(letter: DeadLetter, state: str, *, by: str, reason: str) -> None:
    letter.state, letter.decided_at, letter.decided_by = state, timezone.now(), by[:150]
    letter.save(update_fields=["state", "decided_at", "decided_by"])
    record_decision(state, by=by, target=f"dead letter {letter.pk}", reason=read_reason(reason))
    log.info("dead_letter_decided", dead_letter=letter.pk, state=state, by=by, reason=reason)
