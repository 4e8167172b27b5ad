"""Recording of attempts: the log, what becomes of a delivery, and of an endpoint that fails."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from listings.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from listings.webhooks.post import Claimed, Outcome
from listings.webhooks.schedule import LONGEST_RETRY_AFTER, next_delay, pause_after, reason_to_switch_off
from microstore.database.clock import database_now

log = structlog.get_logger(__name__)

Status = WebhookDelivery.Status


@transaction.atomic
def record(results: Iterable[tuple[Claimed, Outcome]]) -> None:
    """Store the attempts and their consequences.

    A process that dies before this has sent what nobody knows of: the claim ends, and it is sent again.
    """
    made = {claimed.delivery_id: (claimed, outcome) for claimed, outcome in results}
    # Endpoints first, then deliveries, as the claim does: two senders cannot wait for each other.
    wanted = {claimed.endpoint_id for claimed, _ in made.values()}
    endpoints = {
        each.pk: each
        for each in WebhookEndpoint.objects.select_for_update(no_key=True)
        .filter(pk__in=wanted)
        .order_by("pk")
    }
    deliveries = WebhookDelivery.objects.select_for_update(no_key=True).filter(pk__in=made).order_by("pk")
    now = database_now()
    # Those whose endpoint was deleted meanwhile are not there.
    for delivery in list(deliveries):
        claimed, outcome = made[delivery.pk]
        WebhookAttempt.objects.create(
            delivery=delivery,
            made_at=now - timedelta(milliseconds=outcome.duration_ms),
            duration_ms=outcome.duration_ms,
            status_code=outcome.status_code,
            answer=outcome.answer,
            error=outcome.error,
        )
        _note_endpoint(endpoints[delivery.endpoint_id], outcome, now)
        # Else it was claimed again, since this attempt took longer than its claim, or is to be sent again.
        if (delivery.status, delivery.attempts) == (Status.SENDING, claimed.attempt):
            _note_delivery(delivery, outcome, now)


def _note_delivery(delivery: WebhookDelivery, outcome: Outcome, now: datetime) -> None:
    delay = next_delay(delivery.attempts)
    if outcome.delivered or delay is None:
        delivery.status = Status.DELIVERED if outcome.delivered else Status.FAILED
        delivery.due_at, delivery.settled_at = None, now
    else:
        asked_for = min(timedelta(seconds=outcome.retry_after_seconds), LONGEST_RETRY_AFTER)
        delivery.status, delivery.due_at = Status.WAITING, now + max(delay, asked_for)
    delivery.save(update_fields=("status", "due_at", "settled_at"))


def _note_endpoint(endpoint: WebhookEndpoint, outcome: Outcome, now: datetime) -> None:
    if outcome.delivered:
        if not endpoint.failures:
            return
        endpoint.failures, endpoint.failing_since, endpoint.paused_until = 0, None, None
    else:
        endpoint.failures += 1
        endpoint.failing_since = endpoint.failing_since or now
        pause = pause_after(endpoint.failures)
        endpoint.paused_until = now + pause if pause else None
        reason = reason_to_switch_off(outcome.status_code, endpoint.failures, endpoint.failing_since, now)
        if reason and endpoint.enabled:
            endpoint.enabled, endpoint.off_reason, endpoint.mail_due = False, reason, True
            log.warning("webhook_switched_off", endpoint=str(endpoint.pk), reason=reason)
    endpoint.save(
        update_fields=("failures", "failing_since", "paused_until", "enabled", "off_reason", "mail_due")
    )
