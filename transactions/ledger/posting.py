"""Posting what the ledger lacks: of a release that knew of none, or lost by restoring one table alone."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

CHUNK_ROWS = 1_000
# Locked, so that a transaction that is voided at this moment is either seen as voided, and skipped, or finds
# its sale posted, and reverses it.
UNPOSTED = """
SELECT id FROM {table} subject
WHERE {condition} AND id > %s AND NOT EXISTS (
    SELECT FROM transactions_journal WHERE subject_id = subject.id AND kind = {kind}
)
ORDER BY id LIMIT %s FOR NO KEY UPDATE
"""


class Event(NamedTuple):
    """Events that have a journal of this kind each, and the function that posts those without."""

    table: str
    condition: str
    kind: str
    post: str


ENDED = "CASE status WHEN 'returned' THEN 'paid' ELSE status END"
# In the order in which they follow each other: what was never posted has nothing to reverse.
EVENTS = (
    Event("transactions_transaction", "status = 'recorded' AND total_cents > 0", "'sale'", "post_sales"),
    Event(
        "transactions_transaction",
        "status = 'voided' AND EXISTS (SELECT FROM transactions_journal WHERE subject_id = subject.id)",
        "'void'",
        "post_voids",
    ),
    Event("transactions_refund", "status = 'refunded'", "'refund'", "post_refunds"),
    Event("transactions_payout", "true", "'payout'", "post_payouts"),
    Event("transactions_payout", "status IN ('paid', 'failed', 'returned')", ENDED, "post_payouts"),
    Event("transactions_payout", "status = 'returned'", "status", "post_payouts"),
)


def post_missing() -> Iterator[int]:
    """Post the sales, voids, refunds and payouts without a journal; yield the count of each step.

    Each step commits, so it may be stopped at any time and run again, also beside workers and itself.
    """
    for event in EVENTS:
        after = UUID(int=0)
        while ids := _post_chunk(event, after):
            yield len(ids)
            after = ids[-1]


def post(function: str, ids: Sequence[UUID]) -> None:
    """Post the events with these ids, each once, by a function of the ledger such as `post_refunds`."""
    held = [settings.HOLD_DAYS] if function == "post_sales" else []
    with connection.cursor() as cursor:
        cursor.callproc(function, [list(ids), *held])


@transaction.atomic
def _post_chunk(event: Event, after: UUID) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(UNPOSTED.format(**event._asdict()), [after, CHUNK_ROWS])
        ids = [found for (found,) in cursor.fetchall()]
    post(event.post, ids)
    return ids
