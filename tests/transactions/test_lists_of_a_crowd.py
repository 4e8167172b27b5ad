"""No list of the admin reads much of a table, whatever is filtered or searched, nor does a seller's balance.

With a million rows, or a million entries of the ledger, and the cost of each page printed:
`ADMIN_ROWS=1000000 pytest -s tests/transactions/test_lists_of_a_crowd.py`, and the same with
`ADMIN_ROWS=340000 … -k "balance or payout_run"`.
"""

import time
from collections.abc import Callable
from hashlib import md5
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.support.costs import counted_costs, open_lists
from tests.support.crowd import (
    FILL_MESSAGING,
    MAX_ROWS_BY_COUNTED,
    MAX_SECONDS,
    MESSAGING_LISTS,
    NUMBERED,
    ROWS,
    counted_rows,
    fill,
)
from tests.transactions.payees import IBAN, give_account, payees
from transactions.ledger.balances import available
from transactions.models import Entry
from transactions.payouts.preparing import prepare_payouts
from transactions.payouts.sending import send_payouts

__all__ = ["counted_rows", "payees"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(MAX_SECONDS)]

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
FILL_LEDGER = f"""
    INSERT INTO transactions_journal (id, kind, subject_id, occurred_at)
    SELECT n, 'sale', id, at FROM ({NUMBERED}) numbered;
    INSERT INTO transactions_entry (id, journal_id, account, owner_id, currency, amount_cents, available_at)
    SELECT n * 8 + line, n, account, owner_id, (ARRAY['EUR', 'JPY', 'KWD'])[1 + n %% 3], cents, available_at
    FROM ({NUMBERED}) numbered,
        LATERAL (VALUES
            (1, 'receivable', n, 1050, NULL), (2, 'payable', n %% 1000, -1000, at),
            (3, 'fee_income', 0, -50, NULL)
        ) AS lines (line, account, owner_id, cents, available_at);
    INSERT INTO transactions_refund (id, order_id, listing_id, amount_cents, fee_cents, currency, status,
        reason, refusal, trace, created_at)
    SELECT id, md5('order ' || n)::uuid, n, 1, 0, 'EUR', 'refused', '', 'because', trace, at
    FROM ({NUMBERED}) numbered WHERE n %% 100 = 0;
    SELECT setval('transactions_journal_id_seq', %(rows)s);
"""
ORDER_ID = md5(b"order 77").hexdigest()  # to find a row, not to keep a secret
LISTS = {
    "transactions_transaction": (
        *("", "p=20", "status__exact=recorded", "status__exact=refused", "status__exact=voided"),
        *("age=hour", "age=month", f"q={ORDER_ID}", f"q={ORDER_ID[:8]}"),
        *("currency=EUR", "currency=XTS", "currency=XTS&age=month", "currency=JPY&status__exact=recorded"),
    ),
    "transactions_journal": (
        "",
        "p=20",
        "age=hour",
        "age=month",
        f"q={ORDER_ID}",
        f"q={ORDER_ID[:8]}",
        "q=77",
    ),
    "transactions_entry": ("", "p=20", "age=hour", "age=month", f"q={ORDER_ID}", "q=77", "q=77&age=day"),
    "transactions_refund": (
        "",
        "status__exact=refused",
        "status__exact=refunded",
        "age=hour",
        f"q={ORDER_ID}",
        f"q={ORDER_ID[:8]}",
    ),
    **MESSAGING_LISTS,
}


def test_no_list_reads_much_of_a_table(admin_client: Client, counted_rows: int) -> None:
    fill(FILL + FILL_LEDGER + FILL_MESSAGING)
    open_lists(admin_client, LISTS, max_rows=MAX_ROWS_BY_COUNTED * counted_rows)


def test_a_balance_reads_the_entries_of_its_seller_alone(
    client_of: Callable[[int], APIClient], counted_rows: int
) -> None:
    fill(FILL_LEDGER)
    own = Entry.objects.filter(account="payable", owner_id=77).count()
    for path in ("balance/", "ledger/", "ledger/?currency=EUR", "ledger/?page_size=100"):
        with counted_costs() as costs:
            assert client_of(77).get(f"/api/{path}").status_code == 200
        print(f"{path}\t{sum(cost.milliseconds for cost in costs):.1f} ms, {len(costs)} queries")
        assert max(cost.rows for cost in costs) <= 3 * own  # and their journals and orders
    with counted_costs() as costs:
        assert len(available()) == 3_000
    print(f"available to all sellers\t{costs[0].milliseconds:.0f} ms")
    assert costs[0].rows == Entry.objects.filter(account="payable").count()


@pytest.mark.usefixtures("payees")
def test_a_payout_run_takes_few_queries_however_many_sellers_it_pays(
    tmp_path: Path, settings: Settings
) -> None:
    settings.PAYOUTS_FOLDER = str(tmp_path)
    settings.PAYOUTS_FROM = {"name": "MicroStore", "IBAN": IBAN, "BIC": "COBADEFFXXX"}
    fill(FILL_LEDGER)
    sellers = range(1, 1_000 if ROWS > 100_000 else 50)
    for seller in sellers:
        give_account(seller)
    for steps in (prepare_payouts, send_payouts):
        began = time.perf_counter()
        with CaptureQueriesContext(connection) as queries:
            assert sum(steps()) == 3 * len(sellers)
        print(f"{steps.__name__}\t{time.perf_counter() - began:.1f} s, {len(queries)} queries")
        assert len(queries) < 30
