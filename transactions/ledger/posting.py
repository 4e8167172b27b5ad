"""Posting sales that were recorded before there was a ledger, or by a release that knew of none."""

from collections.abc import Iterator
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

CHUNK_ROWS = 1_000
# Locked, so that a transaction that is voided at this moment is either seen as voided, and skipped, or finds
# its sale posted, and reverses it.
UNPOSTED = """
SELECT id FROM transactions_transaction recorded
WHERE status = 'recorded' AND total_cents > 0 AND id > %s AND NOT EXISTS (
    SELECT FROM transactions_journal WHERE subject_id = recorded.id AND kind = 'sale'
)
ORDER BY id LIMIT %s FOR NO KEY UPDATE
"""


def post_old_sales() -> Iterator[int]:
    """Post the recorded transactions that have no sale in the ledger; yield the count of each step.

    Each step commits, so it may be stopped at any time and run again, also beside workers and itself.
    """
    after = UUID(int=0)
    while chunk := _post_chunk(after):
        posted, after = chunk
        yield posted


@transaction.atomic
def _post_chunk(after: UUID) -> tuple[int, UUID] | None:
    with connection.cursor() as cursor:
        cursor.execute(UNPOSTED, [after, CHUNK_ROWS])
        ids = [found for (found,) in cursor.fetchall()]
        if not ids:
            return None
        cursor.execute("SELECT post_sales(%s, %s)", [ids, settings.HOLD_DAYS])
        (posted,) = cursor.fetchone()
    return posted, ids[-1]
