"""Prometheus gauges of the ledger, of its latest rows alone, and of payouts on their way."""

from collections.abc import Iterator

from django.db import connection
from django.db.models import Count, Min
from django.utils import timezone

from microstore.messaging.gauges import seconds_since
from microstore.metrics.gauges import GaugeValue
from transactions.payouts.models import OPEN, Payout

LATEST = 1_000
UNBALANCED = """
SELECT count(*) FROM (
    SELECT journal_id FROM transactions_entry
    WHERE id >= 8 * (SELECT coalesce(max(id), 0) - %s FROM transactions_journal)
    GROUP BY journal_id, currency HAVING sum(amount_cents) <> 0
) unbalanced
"""
UNPOSTED = """
SELECT count(*) FROM (
    SELECT id, status, total_cents FROM transactions_transaction ORDER BY id DESC LIMIT %s
) latest
WHERE status = 'recorded' AND total_cents > 0 AND NOT EXISTS (
    SELECT FROM transactions_journal WHERE subject_id = latest.id AND kind = 'sale'
)
"""


def gauges() -> Iterator[GaugeValue]:
    """Yield what is wrong in the ledger, where 0 is right, and the payouts on their way."""
    yield GaugeValue(
        "microstore_ledger_unbalanced_journals",
        "Of the latest 1,000 journals, those whose debits and credits differ.",
        _count(UNBALANCED),
    )
    yield GaugeValue(
        "microstore_ledger_unposted_sales",
        "Of the latest 1,000 transactions, those recorded without a sale in the ledger.",
        _count(UNPOSTED),
    )
    yield from _payout_gauges()


def _payout_gauges() -> Iterator[GaugeValue]:
    rows = Payout.objects.filter(status__in=OPEN).order_by().values_list("status")
    found = {status: rest for status, *rest in rows.annotate(Count("id"), Min("created_at"), Min("sent_at"))}
    prepared, created_at, _ = found.get("prepared", (0, None, None))
    sent, _, sent_at = found.get("sent", (0, None, None))
    unknown, _, unknown_sent_at = found.get("unknown", (0, None, None))
    now = timezone.now()
    yield GaugeValue("microstore_payouts_prepared", "Payouts that are claimed and not sent.", prepared)
    yield GaugeValue("microstore_payouts_sent", "Payouts that are sent and neither paid nor failed.", sent)
    yield GaugeValue("microstore_payouts_unknown", "Payouts that perhaps arrived, or not.", unknown)
    yield GaugeValue(
        "microstore_payouts_prepared_oldest_seconds",
        "Age of the oldest payout that is not sent; 0 where there is none.",
        seconds_since(created_at, now),
    )
    yield GaugeValue(
        "microstore_payouts_sent_oldest_seconds",
        "Time since the oldest payout of those `sent` was sent; 0 where there is none.",
        seconds_since(sent_at, now),
    )
    yield GaugeValue(
        "microstore_payouts_unknown_oldest_seconds",
        "Time since the oldest unknown payout was sent; 0 where there is none.",
        seconds_since(unknown_sent_at, now),
    )


def _count(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, [LATEST])
        return int(cursor.fetchone()[0])
