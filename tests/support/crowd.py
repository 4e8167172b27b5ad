"""So many rows that a careless list shows: filled in by SQL, spread over the last ten weeks."""

import os
from collections.abc import Iterator
from hashlib import md5

import pytest
from django.db import connection

from microstore.database import admin_lists

LARGE = 500_000
ROWS = int(os.environ.get("ADMIN_ROWS", "20000"))
MAX_SECONDS = 3600 if ROWS >= LARGE else 120
# What a list may look at, where without an index it looks at all rows: four times as many.
MAX_ROWS_BY_COUNTED = 5
# The n-th of ROWS was made at `at`, and has an id that begins with that time.
NUMBERED = """
    SELECT n, at, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
            || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid AS id,
        '00-' || md5('trace ' || n) || '-' || substr(md5(n::text), 1, 16) || '-01' AS trace
    FROM (SELECT n, now() - interval '70 days' * ((%(rows)s - n) / %(rows)s::float) AS at
        FROM generate_series(1, %(rows)s) n) numbered
"""
TRACE_ID = md5(b"trace 77").hexdigest()  # to find a row, not to keep a secret
FILL_MESSAGING = f"""
    INSERT INTO messaging_deadletter (fingerprint, contract, payload, headers, error, cause, traceback,
        attempts, trace, state, created_at, died_at, decided_by)
    SELECT md5(n::text), (ARRAY['order_created', 'item_sold', 'order_rejected'])[1 + n %% 3],
        '{{}}', '{{}}', 'RuntimeError: till ' || n, 'RuntimeError: till ' || n %% 20, '', 3, trace,
        CASE WHEN n %% 100 = 0 THEN 'waiting' WHEN n %% 7 = 0 THEN 'discarded' ELSE 'replayed' END, at, at, ''
    FROM ({NUMBERED}) numbered;
    INSERT INTO messaging_outboxmessage (contract, payload, created_at, due_at)
    SELECT 'order_created', jsonb_build_object('trace', trace, 'order_id', id), at, at
    FROM ({NUMBERED}) numbered WHERE n %% 100 = 0;
    INSERT INTO staff_staffaction (at, by, action, target, reason)
    SELECT at, 'staff ' || n %% 50, 'looked', 'order ' || n, 'because' FROM ({NUMBERED}) numbered;
"""
MESSAGING_LISTS = {
    "messaging_outboxmessage": ("", "p=2"),
    "messaging_deadletter": (
        *("", "p=20", "state__exact=waiting", "state__exact=replayed", "state__exact=discarded"),
        *("contract=item_sold", "contract=order_voided", "q=12", f"q={TRACE_ID}"),
    ),
    "staff_staffaction": ("", "p=20", "q=staff+7", "q=order+1230"),
}


@pytest.fixture
def counted_rows(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """How far a list counts: less far in a smaller crowd, so that it stays a small part of it.

    There the database is set to prefer its indexes as it does in a large one: it reads a small table whole
    where an index would serve, and a test must see whether there is one.
    """
    rows = min(admin_lists.COUNTED_ROWS, ROWS // 20)
    monkeypatch.setattr(admin_lists, "COUNTED_ROWS", rows)
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = %s", ["on" if ROWS >= LARGE else "off"])
    yield rows
    with connection.cursor() as cursor:
        cursor.execute("RESET enable_seqscan")


def fill(sql: str) -> None:
    """Fill tables, and let the database take stock as autovacuum would."""
    with connection.cursor() as cursor:
        cursor.execute(sql, {"rows": ROWS})
        cursor.execute("VACUUM ANALYZE")
