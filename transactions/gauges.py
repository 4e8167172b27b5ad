"""Prometheus gauges of the ledger: of its latest rows, so that a scrape costs the same whatever there is."""

from collections.abc import Iterator

from django.db import connection

from microstore.metrics.gauges import GaugeValue

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
    """Yield the counts of unbalanced journals and of sales that the ledger lacks; 0 is right."""
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


def _count(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, [LATEST])
        return int(cursor.fetchone()[0])
