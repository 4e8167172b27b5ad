"""So many rows that a careless list shows: filled in by SQL, spread over the last ten weeks."""

import os

import pytest
from django.db import connection

from microstore.staff import lists

ROWS = int(os.environ.get("ADMIN_ROWS", "20000"))
# The n-th of ROWS was made at `at`, and has an id that begins with that time.
NUMBERED = """
    SELECT n, at, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7'
            || substr(md5(n::text), 1, 3) || '8' || substr(md5(n::text), 4, 15))::uuid AS id,
        '00-' || md5('trace ' || n) || '-' || substr(md5(n::text), 1, 16) || '-01' AS trace
    FROM (SELECT n, now() - interval '70 days' * ((%(rows)s - n) / %(rows)s::float) AS at
        FROM generate_series(1, %(rows)s) n) numbered
"""
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
        *("", "p=20", "state__exact=waiting", "state__exact=replayed", "contract=item_sold", "q=12"),
    ),
    "staff_staffaction": ("", "p=20", "q=staff+7", "q=order+1230"),
}


@pytest.fixture
def counted_rows(monkeypatch: pytest.MonkeyPatch) -> int:
    """How far a list counts: less far in a smaller crowd, so that it stays a small part of it."""
    rows = min(lists.COUNTED_ROWS, ROWS // 20)
    monkeypatch.setattr(lists, "COUNTED_ROWS", rows)
    return rows


def fill(sql: str) -> None:
    """Fill tables, and let the database take stock as autovacuum would."""
    with connection.cursor() as cursor:
        cursor.execute(sql, {"rows": ROWS})
        cursor.execute("VACUUM ANALYZE")
