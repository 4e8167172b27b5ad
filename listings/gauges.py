"""Prometheus gauges of pending orders."""

from collections.abc import Iterator

from django.db.models import Min, OuterRef, Subquery
from django.utils import timezone

from listings.models import Order, WebhookDelivery, WebhookEndpoint
from microstore.database.admin_lists import COUNTED_ROWS
from microstore.messaging.gauges import seconds_since
from microstore.metrics.gauges import GaugeValue


def gauges() -> Iterator[GaugeValue]:
    """Yield number and age of pending orders."""
    pending = Order.objects.filter(status=Order.Status.PENDING)
    # Counted to a limit: after an outage an exact count would be slow at every scrape.
    count = pending.order_by()[: COUNTED_ROWS + 1].count()
    oldest = pending.order_by("created_at").values_list("created_at", flat=True).first()
    yield GaugeValue(
        "microstore_pending_orders", "Orders that wait for their transaction, 10,001 at most.", count
    )
    yield GaugeValue(
        "microstore_pending_oldest_seconds",
        "How long the oldest of them has waited; 0 where none does.",
        seconds_since(oldest, timezone.now()),
    )
    # An endpoint that fails is its owner's matter; one that does not has no delivery that waits for long.
    # A look-up for each endpoint: what waits for the ones that fail may be many rows.
    due = WebhookDelivery.objects.filter(endpoint=OuterRef("pk"), status="waiting").order_by("due_at")
    well = WebhookEndpoint.objects.filter(enabled=True, failures=0)
    overdue = well.aggregate(since=Min(Subquery(due.values("due_at")[:1])))["since"]
    yield GaugeValue(
        "microstore_webhook_oldest_due_seconds",
        "How long the delivery that is overdue for longest has waited for a sender; 0 where none does.",
        max(0.0, seconds_since(overdue, timezone.now())),
    )
