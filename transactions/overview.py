"""Figures and charts of the admin's front page, and rows of its trace page."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count, QuerySet, Sum
from django.db.models.functions import TruncDate, TruncHour
from django.utils import timezone

from microstore.contracts.contract import Message
from microstore.contracts.transactions import OrderCancelled, RefundRequested
from microstore.database.admin_lists import COUNTED_ROWS
from microstore.staff.charts import Chart, by_hour, draw_bars
from microstore.staff.lists import first_id_at, of_id, of_recent_trace
from microstore.staff.overview import Figure, Found
from microstore.telemetry.tracing import trace_part
from transactions.models import Transaction
from transactions.payouts.models import Payout
from transactions.refunds.models import Refund

SEARCH_HINT = "transaction, order or trace (8 digits)"
LIST, VIEW = "/admin/transactions/transaction/", "transactions.view_transaction"
PAYOUTS, VIEW_PAYOUT = "/admin/transactions/payout/", "transactions.view_payout"


def figures() -> list[Figure]:
    """Return the number of today's transactions by status, and of payouts that need a person."""
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    counts = dict(_since(midnight).values_list("status").annotate(Count("id")))
    unknown = Payout.objects.filter(status=Payout.Status.UNKNOWN)[:COUNTED_ROWS].count()
    week = Payout.objects.filter(id__gte=first_id_at(timezone.now() - timedelta(days=7)))
    failed = week.filter(status=Payout.Status.FAILED)[:COUNTED_ROWS].count()
    return [
        *(
            Figure(f"{status} today", f"{counts.get(status, 0):,}", f"{LIST}?status__exact={status}", VIEW)
            for status in Transaction.Status.values
        ),
        Figure(
            "payouts unknown",
            f"{unknown:,}",
            f"{PAYOUTS}?status__exact=unknown",
            VIEW_PAYOUT,
            alarm=unknown > 0,
        ),
        Figure(
            "payouts failed this week",
            f"{failed:,}",
            f"{PAYOUTS}?status__exact=failed&age=week",
            VIEW_PAYOUT,
        ),
    ]


def charts() -> list[Chart]:
    """Return charts of the last day's transactions by hour, one per status."""
    now = timezone.now()
    since = (now - timedelta(hours=23)).replace(minute=0, second=0, microsecond=0)
    hourly: Any = _since(since).annotate(hour=TruncHour("created_at")).values_list("hour", "status")
    counted = list(hourly.annotate(Count("id")))
    return [
        draw_bars(
            f"{status} per hour",
            by_hour({hour: count for hour, its, count in counted if its == status}, now=now),
        )
        for status in Transaction.Status.values
    ]


def daily_totals(days: int) -> list[dict[str, Any]]:
    """Return count, price, fee and total (minor units) of recorded ones by day and currency, newest first."""
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    recorded = _since(midnight - timedelta(days=days - 1)).filter(status=Transaction.Status.RECORDED)
    grouped: Any = recorded.annotate(day=TruncDate("created_at")).values("day", "currency")
    sums = grouped.annotate(
        sales=Count("id"), price=Sum("price_cents"), fee=Sum("fee_cents"), total=Sum("total_cents")
    )
    return list(sums.order_by("-day", "currency"))


def find_list(term: str) -> Found | None:
    """Return the list of transactions, searched for a part of an id."""
    return Found("transactions", None, term, f"{LIST}?{urlencode({'q': term})}", VIEW)


def find_transactions(term: str, among: QuerySet[Transaction]) -> QuerySet[Transaction]:
    """Return the transactions whose id, or whose order's, begins with the term, else those of a trace."""
    found, start = of_id(among, term, "pk", "order_id"), trace_part(term)
    return found if found.exists() or start is None else of_recent_trace(among, start)


def find_rows(term: str) -> tuple[list[Found], set[str]]:
    """Return the transactions of this trace or id, and the common beginnings of their traceparents."""
    transactions = list(find_transactions(term, Transaction.objects.all())[:50])
    rows = [
        Found(
            "transaction",
            found.created_at,
            f"{found.pk} of order {found.order_id}: {found.status} {found.reason}".strip(),
            f"{LIST}{found.pk}/change/",
            VIEW,
        )
        for found in transactions
    ]
    return rows, {found.trace[:36] for found in transactions}


def find_done(messages: Sequence[Message]) -> set[UUID]:
    """Return the event ids of messages that would change nothing, since their orders are decided.

    A cancellation of a recorded one would change something: it voids it. A refund is decided by its own row.
    """
    refunds = Refund.objects.in_bulk(
        [each.refund_id for each in messages if isinstance(each, RefundRequested)]
    )
    wanted = [order_id for message in messages if (order_id := getattr(message, "order_id", None))]
    statuses = dict(Transaction.objects.filter(order_id__in=wanted).values_list("order_id", "status"))
    return {
        message.event_id
        for message in messages
        if (
            message.refund_id in refunds
            if isinstance(message, RefundRequested)
            else (order_id := getattr(message, "order_id", None))
            and (status := statuses.get(order_id))
            and not (isinstance(message, OrderCancelled) and status == Transaction.Status.RECORDED)
        )
    }


def _since(moment: datetime) -> Any:
    return Transaction.objects.filter(id__gte=first_id_at(moment)).order_by()
