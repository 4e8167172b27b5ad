"""No list of the admin reads much of a table, whatever is filtered or searched.

With a million rows, and the cost of each page printed:
`ADMIN_ROWS=1000000 pytest -s tests/listings/test_lists_of_a_crowd.py`.
"""

import pytest
from django.test import Client

from listings.models import Order
from tests.support.costs import open_lists
from tests.support.crowd import (
    FILL_MESSAGING,
    MAX_ROWS_BY_COUNTED,
    MAX_SECONDS,
    MESSAGING_LISTS,
    NUMBERED,
    counted_rows,
    fill,
)

__all__ = ["counted_rows"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(MAX_SECONDS)]

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
    INSERT INTO listings_refund (id, order_id, requested_by_id, amount_cents, return_quantity, status, reason,
        refusal, request_hash, created_at)
    SELECT id, id, 1000001, 1, 0, 'refunded', '', '', '', at FROM ({NUMBERED}) numbered;
    INSERT INTO listings_notification (recipient_id, event_id, kind, role, order_id, text, created_at)
    SELECT 1000001 + n::bigint * 7919 %% %(rows)s, id, CASE WHEN n %% 2000 = 0 THEN 'order_rejected'
        ELSE 'order_completed' END, 'buyer', id, repeat('You bought it. ', 5), at FROM ({NUMBERED}) numbered;
    INSERT INTO listings_email (notification_id, sent_at, error)
    SELECT id, created_at, CASE WHEN id %% 2000 = 7 THEN 'no such user' ELSE '' END
    FROM listings_notification;
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
            "q=99999999",
        ),
    ),
    "listings_order": (
        *(
            "",
            "p=20",
            "_facets=True",
            "status__exact=completed",
            "status__exact=pending",
            "status__exact=rejected",
        ),
        *("age=hour", "age=month", "status__exact=rejected&age=month", "status__exact=refunded"),
        *("q=person+1230", "q=1000010", "q=99999999", "q=nobody"),
    ),
    "listings_notification": (
        *(
            "",
            "p=20",
            "kind__exact=order_completed",
            "kind__exact=order_rejected",
            "kind__exact=order_cancelled",
        ),
        *("email=refused", "kind__exact=order_rejected&email=refused", "q=person+1230", "q=nobody"),
    ),
    "listings_liveevent": ("", "p=20"),
    "listings_refund": ("", "p=20", "age=hour", "age=month"),
    "auth_user": ("", "p=20", "q=person+1230", "q=1000010"),
    **MESSAGING_LISTS,
}


def test_no_list_reads_much_of_a_table(admin_client: Client, counted_rows: int) -> None:
    fill(FILL + FILL_MESSAGING)
    order_id = str(Order.objects.latest("pk").pk)
    by_order = dict.fromkeys(
        ("listings_order", "listings_notification", "listings_liveevent", "listings_refund"),
        (f"q={order_id}", f"q={order_id[:8]}", f"q={order_id[:13]}"),
    )
    for lists in (LISTS, by_order):
        open_lists(admin_client, lists, max_rows=MAX_ROWS_BY_COUNTED * counted_rows)
