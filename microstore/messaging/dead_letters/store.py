"""Storing messages that could not be handled in the service's database."""

import hashlib
import json
import math
import traceback
from typing import Any

import structlog
from django.conf import settings
from kombu import Connection

from microstore.database.outage import is_database_outage
from microstore.messaging import metrics, topology
from microstore.messaging.dead_letters.groups import cause_of
from microstore.messaging.models import DeadLetter
from microstore.messaging.project import registry
from microstore.messaging.receiving.message_schema import REASON_CHARACTERS, find_fault_in
from microstore.messaging.receiving.routing_key import find_foreign_key_of_dead

log = structlog.get_logger(__name__)

COLLECT_AT_ONCE = 100
MOST_LEVELS = 50  # of tables within tables: two functions a level go through Python's stack
MOST_ATTEMPTS = 10_000  # a client may have sent any number; that of the broker is far below


def dead_letter(
    *, contract: str, payload: object, error: BaseException, attempts: int, arrived_as: str = ""
) -> DeadLetter:
    """Store an event that was read but cannot be handled; storing it again finds the same letter.

    `arrived_as` tells events without a key apart: the id of the message they came in, and their place in it.
    """
    return _store(
        fingerprint=_fingerprint(contract, payload, arrived_as),
        contract=contract,
        **_keep(payload),
        error=f"{type(error).__name__}: {error}",
        traceback="".join(traceback.format_exception(error)),
        attempts=min(attempts, MOST_ATTEMPTS),
        trace=_trace(payload),
    )


def collect(broker: Connection) -> int:
    """Move this service's dead letters from the broker into the database; return how many, 100 at most."""
    if broker.transport.driver_type != "amqp":
        return 0
    with broker.channel() as channel:
        queue = topology.dead_queue(settings.SERVICE).name
        # As it came: kombu would decompress and decode it, and fail where the worker did.
        channel.auto_decode = False
        for collected in range(COLLECT_AT_ONCE):
            message = channel.basic_get(queue, no_ack=False)
            if message is None:
                return collected
            dead_letter_unread(message.body, message.properties)
            # After the commit: a process that dies in between collects the letter again, into the same row.
            channel.basic_ack(message.delivery_tag)
    return COLLECT_AT_ONCE


def dead_letter_unread(body: bytes | str, properties: dict[str, Any]) -> None:
    """Store a message that was not read, by its bytes and its AMQP properties with `application_headers`."""
    raw = body.encode() if isinstance(body, str) else bytes(body)
    try:
        _store(**_describe_unread(raw, properties))
    except Exception as error:  # whatever is wrong with a letter, it must not hold up those behind it
        if is_database_outage(error):
            raise
        log.exception("letter_without_headers")
        _store(fingerprint=_fingerprint_of(raw, {}), raw_body=raw, error=f"Not storable whole: {error!r}")


def _describe_unread(raw: bytes, properties: dict[str, Any]) -> dict[str, Any]:
    known = {name: storable(value) for name, value in properties.items()}
    headers = (known.pop("application_headers", None) or {}) | known
    return {
        "fingerprint": _fingerprint_of(raw, headers),
        "contract": contract_of(headers)[:100],
        "raw_body": raw,
        "headers": headers,
        "error": _reason(raw, properties, headers),
        "attempts": _deliveries_of(headers),
    }


def _deliveries_of(headers: dict[str, Any]) -> int:
    # The broker counts redeliveries. Of a first delivery the header is what a client has sent under its name.
    count = headers.get("x-delivery-count")
    return 1 + (count if type(count) is int and 0 <= count < MOST_ATTEMPTS else 0)


def contract_of(headers: dict[str, Any]) -> str:
    """Return the task's name; of a fact that died in a listener's queue that of the listener's command.

    Replayed under the fact's own name it would be published again to every listener.
    """
    task, queue = str(headers.get("task", "")), str(headers.get("x-first-death-queue", ""))
    contract = registry().contracts.get(task)
    if contract is None or queue not in registry().listeners:
        return task
    return contract.for_listener(queue).name


def _keep(payload: object) -> dict[str, Any]:
    # In the body of a message where PostgreSQL's JSON cannot hold it as it is: a NUL, half a character, NaN.
    kept = storable(payload)
    if _as_json(kept) == _as_json(payload):
        return {"payload": kept}
    return {"raw_body": _as_json([[[payload]], {}, {}]).encode()}


def storable(value: object, levels: int = MOST_LEVELS) -> Any:
    """Return the value as PostgreSQL's JSON can hold it: AMQP has bytes and times, and Python has NaN.

    What lies deeper than so many levels is left out.
    """
    match value:
        case dict() | list() | tuple() if not levels:
            return "(nested too deeply)"
        case dict():
            return {str(storable(key)): storable(item, levels - 1) for key, item in value.items()}
        case list() | tuple():
            return [storable(item, levels - 1) for item in value]
        case None | bool() | int():
            return value
        case float() if math.isfinite(value):
            return value
    return str(value).encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _as_json(value: object) -> str:
    # What kombu has a type for and JSON has none, an id or a time of a stock client, as text.
    try:
        return json.dumps(value, sort_keys=True, default=str)
    except RecursionError:  # it was read with fewer calls on the stack than there are here
        return json.dumps(storable(value), sort_keys=True)


def _fingerprint_of(body: bytes, headers: dict[str, Any]) -> str:
    # The broker adds `x-` headers each time that a message dies, and it has to stay the same letter.
    own = {name: value for name, value in headers.items() if not name.startswith("x-")}
    return hashlib.sha256(body + json.dumps(own, sort_keys=True).encode()).hexdigest()


def _store(*, fingerprint: str, **fields: Any) -> DeadLetter:
    fields |= {name: storable(value) for name, value in fields.items() if isinstance(value, str)}
    fields |= {"state": DeadLetter.State.WAITING, "cause": cause_of(fields["error"])}
    letter, _ = DeadLetter.objects.update_or_create(fingerprint=fingerprint, defaults=fields)
    metrics.count_dead_letter(letter.contract)
    log.error("dead_letter", contract=letter.contract, error=letter.error, dead_letter=letter.pk)
    return letter


def _fingerprint(contract: str, payload: object, arrived_as: str) -> str:
    known = registry().find(contract)
    identity: object = [payload, arrived_as]
    if known and isinstance(payload, dict) and known.payload.key_field in payload:
        # What is sent again about the same thing is the same letter, though its message is a new one.
        per_message = {"event_id", "occurred_at"} - {known.payload.key_field}
        identity = {name: value for name, value in payload.items() if name not in per_message}
    return hashlib.sha256(f"{contract} {_as_json(identity)}".encode()).hexdigest()


def _trace(payload: object) -> str:
    return str(payload.get("trace", ""))[:55] if isinstance(payload, dict) else ""


def _reason(body: bytes, properties: dict[str, Any], headers: dict[str, Any]) -> str:
    reason = str(headers.get("x-first-death-reason", "rejected"))
    if reason == "delivery_limit":
        return "It was delivered too often; perhaps it kills its worker."
    if reason != "rejected":
        return f"The broker gave up on it: {reason}."
    try:
        # The broker keeps no reason, so the rules that the worker went by are looked up again.
        fault = find_fault_in(body, properties) or find_foreign_key_of_dead(headers)
    except Exception as error:  # noqa: BLE001  # whatever a body makes the decoder raise
        fault = repr(error)[:REASON_CHARACTERS]
    return f"Rejected: {fault or 'the worker could not run it; its log says why'}"
