"""No index is taken for a question that another one answers."""

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

SAME_PREDICATE = """
SELECT indrelid::regclass::text, array_agg(indexrelid::regclass::text ORDER BY indexrelid) FROM pg_index
WHERE indpred IS NOT NULL
GROUP BY indrelid, pg_get_expr(indpred, indrelid) HAVING count(*) > 1
"""
# Asked for a seller's open payout when bank details change, which is rare, as open payouts are.
KNOWN = {"transactions_payout"}


def test_no_two_indexes_of_a_table_have_the_same_predicate() -> None:
    """Where statistics know of no row that fulfils it, PostgreSQL reads all of either index for one row."""
    with connection.cursor() as cursor:
        cursor.execute(SAME_PREDICATE)
        pairs = dict(cursor.fetchall())
    assert {table: names for table, names in pairs.items() if table not in KNOWN} == {}
