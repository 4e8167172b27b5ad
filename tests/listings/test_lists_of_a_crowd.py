"""No list of the admin reads much of a table, whatever is filtered or searched.

With a million rows, and the cost of each page printed:
`ADMIN_ROWS=1000000 pytest -s tests/listings/test_lists_of_a_crowd.py`.
"""

import pytest
from django.test import Client

from tests.support.costs import open_lists
from tests.support.crowd import FILL_MESSAGING, MESSAGING_LISTS, NUMBERED, counted_rows, fill

__all__ = ["counted_rows"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(3600)]

FILL = f"""
    INSERT INTO auth_user (id, username, password, email, first_name, last_name, is_superuser, is_staff,
        is_active, date_joined)
    SELECT 1000000 + n, 'person ' || n, '!', '', '', '', false, false, true, at FROM ({NUMBERED}) numbered;
    INSERT INTO listings_listing (id, seller_id, title, description, category, price_cents, currency,
        quantity, available, status, created_at, updated_at)
    SELECT 1000000 + n, 1000000 + n, 'Crunchy armchair ' || n,
        CASE WHEN n %% 1000 = 0 THEN 'velvet' ELSE repeat('plain ', 20) END,
        CASE WHEN n %% 500 = 0 THEN 'toys' ELSE 'furniture' END, 1000 + n, 'EUR', 100, 5,
        CASE WHEN n %% 1000 = 0 THEN 'withdrawn' WHEN n %% 90 = 0 THEN 'draft' ELSE 'on_sale' END, at, at
    FROM ({NUMBERED}) numbered;
    INSERT INTO listings_order (id, buyer_id, listing_id, quantity, unit_price_cents, currency, status,
        transaction_id, fee_cents, total_cents, reason, trace, request_hash, created_at, settled_at)
    SELECT id, 1000001 + n::bigint * 7919 %% %(rows)s, 1000001 + n::bigint * 7907 %% %(rows)s, 1, 1000, 'EUR',
        CASE WHEN n > %(rows)s - 5 THEN 'pending' WHEN n %% 2000 = 0 THEN 'rejected' ELSE 'completed' END,
        id, 50, 1050, '', trace, '', at, at FROM ({NUMBERED}) numbered;
    INSERT INTO listings_liveevent (type, order_id, listing_id, payload, created_at)
    SELECT 'item_sold', id, 1000010, '{{}}', at FROM ({NUMBERED}) numbered;
"""
LISTS = {
    "listings_listing": (
        *("", "p=20", "status__exact=on_sale", "status__exact=withdrawn", "category__exact=toys"),
        *(
            "status__exact=draft&category__exact=toys",
            "q=velvet",
            "q=armchair",
            "q=armchair+1230",
            "q=1000010",
        ),
    ),
    "listings_order": (
        *("", "p=20", "status__exact=completed", "status__exact=pending", "status__exact=rejected"),
        *("age=hour", "age=month", "status__exact=rejected&age=month", "status__exact=refunded"),
        *("q=person+1230", "q=1000010", "q=nobody"),
    ),
    "listings_liveevent": ("", "p=20"),
    "auth_user": ("", "p=20", "q=person+123", "q=1000010"),
    **MESSAGING_LISTS,
}


def test_no_list_reads_much_of_a_table(admin_client: Client, counted_rows: int) -> None:
    fill(FILL + FILL_MESSAGING)
    open_lists(admin_client, LISTS, max_blocks=500 + counted_rows // 3)
