"""Waiting messages and dead letters, for Prometheus and the admin's front page."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Max, Q
from django.utils import timezone

from microstore.database.admin_lists import COUNTED_ROWS
from microstore.messaging.models import DeadLetter, OutboxMessage, QueueDepth
from microstore.metrics.gauges import GaugeValue


def gauges() -> Iterator[GaugeValue]:
    """Yield sizes and ages of outbox, dead letters and queues. Counts end at COUNTED_ROWS + 1."""
    now = timezone.now()
    yield GaugeValue("microstore_outbox_messages", "Messages that wait to be published.", count_outbox())
    yield GaugeValue(
        "microstore_outbox_oldest_seconds",
        "How long the oldest of them has waited; 0 where none does.",
        seconds_since(oldest_in_outbox(now), now),
    )
    yield GaugeValue(
        "microstore_dead_letters_waiting", "Dead letters that nobody has decided about.", count_letters()
    )
    looked_at = QueueDepth.objects.aggregate(at=Max("measured_at"))["at"]
    if looked_at:
        yield GaugeValue(
            "microstore_relay_seen_seconds",
            "How long ago a relay last looked at the queues.",
            seconds_since(looked_at, now),
        )
    for depth in QueueDepth.objects.all():
        yield GaugeValue(
            "microstore_queue_messages",
            "Messages that were ready in the queue when a relay last looked.",
            depth.messages,
            of=depth.queue,
        )


def count_outbox() -> int:
    """Return how many messages wait to be published, COUNTED_ROWS + 1 at most."""
    return OutboxMessage.objects.order_by()[: COUNTED_ROWS + 1].count()


def oldest_in_outbox(now: datetime) -> datetime | None:
    """Return when the oldest message was committed; those of a replay that are due later are left out.

    Ids are given in nearly the order of time, and need no further index.
    """
    due = OutboxMessage.objects.filter(Q(due_at__lte=now) | Q(attempts__gt=0)).order_by("id")
    return due.values_list("created_at", flat=True).first()


def count_letters() -> int:
    """Return how many dead letters wait for a decision, COUNTED_ROWS + 1 at most."""
    return DeadLetter.objects.filter(state=DeadLetter.State.WAITING).order_by()[: COUNTED_ROWS + 1].count()


def seconds_since(moment: datetime | None, now: datetime) -> float:
    """Return the seconds between the two, 0 where there is no such moment."""
    return max(0.0, (now - moment).total_seconds()) if moment else 0
