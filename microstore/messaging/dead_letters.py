"""Messages that could not be handled, kept in this service's database."""

import hashlib
import json
import traceback
from typing import Any

import structlog
from django.conf import settings
from kombu import Connection
from kombu.message import Message as BrokerMessage

from microstore.messaging import topology
from microstore.messaging.models import DeadLetter

log = structlog.get_logger(__name__)

COLLECT_AT_ONCE = 100


def bury(*, contract: str, payload: object, error: BaseException, attempts: int) -> DeadLetter:
    """Store an event that was read but cannot be handled. Burying it again finds the same letter."""
    return _store(
        fingerprint=_fingerprint(contract, payload),
        contract=contract,
        payload=payload,
        error=f"{type(error).__name__}: {error}",
        traceback="".join(traceback.format_exception(error)),
        attempts=attempts,
        trace=_trace(payload),
    )


def collect(broker: Connection) -> int:
    """Move this service's dead letters from the broker into the database; returns how many.

    A letter is acknowledged after its row is committed: dying in between stores it again, as the same row.
    """
    if broker.transport.driver_type != "amqp":
        return 0
    with broker.channel() as channel:
        queue = topology.dead_queue(settings.SERVICE)(channel)
        for collected in range(COLLECT_AT_ONCE):
            message = queue.get(no_ack=False)
            if message is None:
                return collected
            _bury_message(message)
            message.ack()
    return COLLECT_AT_ONCE


def _bury_message(message: BrokerMessage) -> None:
    body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
    headers = json.loads(json.dumps({**message.headers, "content_type": message.content_type}, default=str))
    _store(
        fingerprint=hashlib.sha256(body + str(headers.get("id")).encode()).hexdigest(),
        contract=str(headers.get("task", ""))[:100],
        raw_body=body,
        headers=headers,
        error=_reason(headers),
        attempts=int(headers.get("x-delivery-count", 0)) + 1,
    )


def _store(*, fingerprint: str, **fields: Any) -> DeadLetter:
    letter, _ = DeadLetter.objects.update_or_create(
        fingerprint=fingerprint, defaults={**fields, "state": DeadLetter.State.WAITING}
    )
    log.error("dead_letter", contract=letter.contract, error=letter.error, dead_letter=letter.pk)
    return letter


def _fingerprint(contract: str, payload: object) -> str:
    if isinstance(payload, dict):
        # An order that is sent again is the same letter, though its message is a new one.
        payload = {key: value for key, value in payload.items() if key not in ("event_id", "occurred_at")}
    return hashlib.sha256(f"{contract} {json.dumps(payload, sort_keys=True)}".encode()).hexdigest()


def _trace(payload: object) -> str:
    return str(payload.get("trace", ""))[:55] if isinstance(payload, dict) else ""


def _reason(headers: dict[str, Any]) -> str:
    """What the broker knows: a worker refused the message, or it was delivered too often."""
    reasons = {
        "rejected": "The worker could not read or run it; its log says why.",
        "delivery_limit": "It was delivered too often; perhaps it kills its worker.",
    }
    reason = str(headers.get("x-first-death-reason", "unknown"))
    return reasons.get(reason, f"The broker gave up on it: {reason}.")
