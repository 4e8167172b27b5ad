"""Figures and charts of the admin's front page, and the rows of a trace."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.db.models import Count, QuerySet
from django.db.models.functions import TruncHour
from django.utils import timezone

from listings.models import Order, Refund, Report
from listings.orders.timeline import timeline
from microstore.contracts.contract import Message
from microstore.contracts.listings import OrderVoided, RefundMessage
from microstore.database.admin_lists import COUNTED_ROWS
from microstore.messaging.gauges import seconds_since
from microstore.staff.charts import Chart, by_hour, draw_bars
from microstore.staff.lists import first_id_at, of_id, of_recent_trace
from microstore.staff.overview import Figure, Found, age
from microstore.telemetry.tracing import trace_part

SEARCH_HINT = "order or trace (8 digits), buyer, listing number"
ORDERS, VIEW_ORDER = "/admin/listings/order/", "listings.view_order"
REPORTS, VIEW_REPORT = "/admin/listings/report/?state__exact=waiting", "listings.view_report"


def figures() -> list[Figure]:
    """Return today's orders by status, and the age of the oldest pending one."""
    # By id, which begins with the time of the order: there is no index of all orders by `created_at`.
    now = timezone.now()
    today = Order.objects.filter(id__gte=first_id_at(now.replace(hour=0, minute=0, second=0, microsecond=0)))
    counts = dict(today.order_by().values_list("status").annotate(Count("id")))
    shown = [Order.Status.COMPLETED, Order.Status.PENDING, Order.Status.REJECTED]
    oldest = Order.objects.filter(status=Order.Status.PENDING).order_by("created_at").first()
    waits = seconds_since(oldest.created_at if oldest else None, now)
    reports = Report.objects.filter(state=Report.State.WAITING)[:COUNTED_ROWS].count()
    return [
        *(
            Figure(
                f"{status.replace('_', ' ')} today",
                f"{counts.get(status, 0):,}",
                f"{ORDERS}?status__exact={status}",
                VIEW_ORDER,
            )
            for status in [*shown, *(status for status in counts if status not in shown)]
        ),
        Figure(
            "oldest pending order",
            age(waits) if oldest else "none",
            f"{ORDERS}{oldest.pk}/change/" if oldest else "",
            VIEW_ORDER,
            alarm=waits > settings.PENDING_DEADLINE_SECONDS,
        ),
        Figure("reports waiting", f"{reports:,}", REPORTS, VIEW_REPORT, alarm=reports > 0),
    ]


def charts() -> list[Chart]:
    """Return charts of the orders of the last 24 hours, by hour."""
    now = timezone.now()
    since = (now - timedelta(hours=23)).replace(minute=0, second=0, microsecond=0)
    orders = Order.objects.filter(id__gte=first_id_at(since)).order_by()
    hourly: Any = orders.annotate(hour=TruncHour("created_at")).values_list("hour", "status")
    counted = list(hourly.annotate(Count("id")))
    drawn = []
    for title, statuses in (
        ("orders accepted per hour", set(Order.Status.values)),
        ("of which rejected", {Order.Status.REJECTED}),
    ):
        counts: dict[Any, int] = {}
        for hour, status, count in counted:
            if status in statuses:
                counts[hour] = counts.get(hour, 0) + count
        drawn.append(draw_bars(title, by_hour(counts, now=now)))
    return drawn


def find_list(term: str) -> Found | None:
    """Return the list of orders, searched for the name of a buyer or the number of a listing."""
    return Found("orders", None, term, f"{ORDERS}?{urlencode({'q': term})}", VIEW_ORDER)


def find_orders(term: str, among: QuerySet[Order]) -> QuerySet[Order]:
    """Return the orders whose id is or begins with the term, or else the recent ones of such a trace."""
    found, start = of_id(among, term, "pk"), trace_part(term)
    return found if found.exists() or start is None else of_recent_trace(among, start)


def find_rows(term: str) -> tuple[list[Found], set[str]]:
    """Return the steps of the orders of this trace or id, and the beginnings of their traceparents."""
    orders = list(find_orders(term, Order.objects.select_related("listing", "buyer"))[:50])
    rows = [
        Found("order", step.at, f"{order.pk}: {step.text}", f"{ORDERS}{order.pk}/change/", VIEW_ORDER)
        for order in orders
        for step in timeline(order)
        if step.at is not None
    ]
    return rows, {order.trace[:36] for order in orders}


def find_done(messages: Sequence[Message]) -> set[UUID]:
    """Return the event ids of messages that would change nothing, since their orders are settled already."""
    wanted = [order_id for message in messages if (order_id := getattr(message, "order_id", None))]
    orders = Order.objects.filter(id__in=wanted).exclude(status=Order.Status.PENDING)
    transactions = dict(orders.values_list("id", "transaction_id"))
    refunds = Refund.objects.filter(
        id__in=[message.refund_id for message in messages if isinstance(message, RefundMessage)]
    )
    settled = set(refunds.exclude(status=Refund.Status.REQUESTED).values_list("id", flat=True))

    def is_done(message: Message) -> bool:
        if isinstance(message, RefundMessage):
            return message.refund_id in settled
        order_id = getattr(message, "order_id", None)
        if order_id not in transactions:
            return False
        return not (isinstance(message, OrderVoided) and transactions[order_id] is None)

    return {message.event_id for message in messages if is_done(message)}
