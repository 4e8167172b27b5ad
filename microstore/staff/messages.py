"""Figures of outbox, dead letters and queues, and the messages of a trace."""

from datetime import datetime

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from microstore.database.admin_lists import COUNTED_ROWS
from microstore.messaging.gauges import count_letters, count_outbox, oldest_in_outbox, seconds_since
from microstore.messaging.models import DeadLetter, OutboxMessage, QueueDepth
from microstore.staff.overview import Figure, Found, age

OUTBOX_ALARM_SECONDS = 30
RELAY_ALARM_SECONDS = 30
MAX_FOUND = 50


def figures() -> list[Figure]:
    """Return the figures of outbox, dead letters and relay."""
    now = timezone.now()
    rows, oldest, letters = count_outbox(), oldest_in_outbox(now), count_letters()
    waits = seconds_since(oldest, now)
    outbox = ("/admin/messaging/outboxmessage/", "messaging.view_outboxmessage")
    dead = ("/admin/messaging/deadletter/groups/", "messaging.view_deadletter")
    return [
        Figure("in the outbox", some(rows), *outbox, alarm=rows > COUNTED_ROWS),
        Figure(
            "oldest in the outbox",
            age(waits) if oldest else "none",
            *outbox,
            alarm=waits > OUTBOX_ALARM_SECONDS,
        ),
        Figure("dead letters waiting", some(letters), *dead, alarm=letters > 0),
        *_relay_figures(now),
    ]


def queue_depths() -> list[QueueDepth]:
    """Return the depths of all queues, as the relay measured them last."""
    return list(QueueDepth.objects.order_by("queue"))


def find_rows(start: str) -> list[Found]:
    """Return messages and dead letters whose traceparent begins with `start`, MAX_FOUND of each."""
    letters = DeadLetter.objects.filter(trace__startswith=start).order_by("id")[:MAX_FOUND]
    waiting = OutboxMessage.objects.filter(payload__trace__startswith=start).order_by("id")[:MAX_FOUND]
    return [
        *(
            Found(
                "outbox message",
                message.created_at,
                f"{message.contract} waits to be published; refused {message.attempts} times",
                f"/admin/messaging/outboxmessage/{message.pk}/change/",
                "messaging.view_outboxmessage",
            )
            for message in waiting
        ),
        *(
            Found(
                "dead letter",
                letter.died_at,
                f"{letter.contract}, {letter.state}: {letter.cause}",
                f"/admin/messaging/deadletter/{letter.pk}/change/",
                "messaging.view_deadletter",
            )
            for letter in letters
        ),
    ]


def some(rows: int) -> str:
    """Return a count as text, `10,000+` where counting stopped."""
    return f"{COUNTED_ROWS:,}+" if rows > COUNTED_ROWS else f"{rows:,}"


def _relay_figures(now: datetime) -> list[Figure]:
    looked_at = QueueDepth.objects.aggregate(at=Max("measured_at"))["at"]
    if looked_at is None and settings.DEBUG:
        # A relay measures the queues of RabbitMQ alone. Which broker there is, as Valkey in `make run`, a
        # process that serves pages does not know: it has no BROKER_URL.
        return []
    since = seconds_since(looked_at, now)
    return [
        Figure(
            "relay last seen",
            f"{age(since)} ago" if looked_at else "never",
            "/admin/messaging/queuedepth/",
            "messaging.view_queuedepth",
            alarm=looked_at is None or since > RELAY_ALARM_SECONDS,
        )
    ]
