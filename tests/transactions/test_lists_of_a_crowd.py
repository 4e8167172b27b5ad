"""No list of the admin reads much of a table, whatever is filtered or searched.

With a million rows, and the cost of each page printed:
`ADMIN_ROWS=1000000 pytest -s tests/transactions/test_lists_of_a_crowd.py`.
"""

from hashlib import md5

import pytest
from django.test import Client

from tests.support.costs import open_lists
from tests.support.crowd import (
    FILL_MESSAGING,
    MAX_ROWS_BY_COUNTED,
    MESSAGING_LISTS,
    NUMBERED,
    counted_rows,
    fill,
)

__all__ = ["counted_rows"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(3600)]

FILL = f"""
    INSERT INTO transactions_transaction (id, order_id, listing_id, buyer_id, seller_id, quantity,
        price_cents, currency, status, fee_cents, total_cents, fee_rule, fee_breakdown, reason, trace,
        created_at)
    SELECT id, md5('order ' || n)::uuid, n, n, n, 1, 1000,
        CASE WHEN n %% 2000 = 0 THEN 'XTS' WHEN n %% 3 = 0 THEN 'JPY' ELSE 'EUR' END,
        CASE WHEN n %% 2000 = 0 THEN 'refused' ELSE 'recorded' END,
        CASE WHEN n %% 2000 = 0 THEN NULL ELSE 50 END, CASE WHEN n %% 2000 = 0 THEN NULL ELSE 1050 END,
        'standard', '{{}}', '', trace, at FROM ({NUMBERED}) numbered;
"""
ORDER_ID = md5(b"order 77").hexdigest()  # to find a row, not to keep a secret
LISTS = {
    "transactions_transaction": (
        *("", "p=20", "status__exact=recorded", "status__exact=refused", "status__exact=voided"),
        *("age=hour", "age=month", f"q={ORDER_ID}"),
        *("currency=EUR", "currency=XTS", "currency=XTS&age=month", "currency=JPY&status__exact=recorded"),
    ),
    **MESSAGING_LISTS,
}


def test_no_list_reads_much_of_a_table(admin_client: Client, counted_rows: int) -> None:
    fill(FILL + FILL_MESSAGING)
    open_lists(admin_client, LISTS, max_rows=MAX_ROWS_BY_COUNTED * counted_rows)
