"""Prometheus gauges of pending orders."""

from collections.abc import Iterator

from django.utils import timezone

from listings.models import Order
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
