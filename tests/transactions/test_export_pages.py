"""The rows of an account for its archive, a page at a time."""

from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps

from microstore.contracts.accounts import ACCOUNT_EXPORTED, EXPORT_REQUESTED, AccountExported
from microstore.contracts.contract import to_wire
from microstore.telemetry.tracing import new_trace
from tests.support.broker import Mailbox
from tests.support.fee_post import FeePost
from tests.support.messages import order_created, refund_requested
from tests.transactions.payees import give_account, payees, prepare, sell
from transactions import exporting, tasks
from transactions.models import BankAccount, SellerTier

__all__ = ["payees"]

pytestmark = pytest.mark.django_db


FILES = ("purchases", "sales", "decided_refunds", "ledger", "payouts")
# The listings service has the one, of as many digits; the other is of staff, as notes are.
LEFT_OUT = {BankAccount, SellerTier}


def read(account_id: int) -> list[AccountExported]:
    """All pages, as the listings service requests them."""
    export_id, pages, cursor = uuid4(), list[Any](), ""
    while not pages or cursor:
        request = EXPORT_REQUESTED(
            export_id=export_id, account_id=account_id, page=len(pages), cursor=cursor, trace=new_trace()
        )
        [reply] = tasks.export_requested([request])
        assert isinstance(reply, AccountExported)
        again = tasks.export_requested([request])
        assert [each.event_id for each in again] == [reply.event_id]
        assert ACCOUNT_EXPORTED.parse(to_wire(reply)) == reply
        pages.append(reply)
        cursor = reply.next_cursor
    return pages


def files_of(pages: list[AccountExported]) -> dict[str, list[dict[str, Any]]]:
    files: dict[str, list[dict[str, Any]]] = {}
    for page in pages:
        files.setdefault(page.file, []).extend(page.rows)
    return files


def test_each_file_has_the_rows_of_the_account_and_of_nobody_else(
    fee_post: FeePost, listings_queue: Mailbox
) -> None:
    bought = order_created(buyer_id=71, seller_id=72)
    sold = order_created(buyer_id=72, seller_id=71)
    other = order_created(buyer_id=72, seller_id=73)
    tasks.order_created([bought, sold, other])
    tasks.refund_requested([refund_requested(sold, 100), refund_requested(other, 100)])
    files = files_of(read(71))
    assert [row["order_id"] for row in files["purchases"]] == [str(bought.order_id)]
    assert [row["order_id"] for row in files["sales"]] == [str(sold.order_id)]
    assert [row["order_id"] for row in files["decided_refunds"]] == [str(sold.order_id)]
    assert [row["kind"] for row in files["ledger"]] == ["sale", "refund"]
    assert sum(row["amount_cents"] for row in files["ledger"]) < 0
    assert [page.page for page in read(71)] == [0, 1, 2, 3, 4]
    # Whom it was sold to is somebody else's.
    assert {name for rows in files.values() for row in rows for name in row}.isdisjoint(
        {"buyer_id", "seller_id", "owner_id"}
    )


@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_pages_have_every_row_once(
    fee_post: FeePost, listings_queue: Mailbox, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(exporting, "MAX_ROWS", rows)
    orders = [order_created(buyer_id=71, seller_id=71 + place) for place in range(1, 5)]
    sales = [order_created(buyer_id=71 + place, seller_id=71) for place in range(1, 4)]
    tasks.order_created([*orders, *sales])
    pages = read(71)
    assert max(len(page.rows) for page in pages) <= rows
    files = files_of(pages)
    assert [row["order_id"] for row in files["purchases"]] == sorted(str(each.order_id) for each in orders)
    assert [row["order_id"] for row in files["sales"]] == sorted(str(each.order_id) for each in sales)
    assert len(files["ledger"]) == 3


def test_an_account_without_rows_has_empty_files(listings_queue: Mailbox) -> None:
    assert files_of(read(71)) == {name: [] for name in FILES}


@pytest.mark.usefixtures("payees")
def test_it_has_the_payouts_with_their_masked_accounts(listings_queue: Mailbox) -> None:
    for seller in (71, 72):
        account = give_account(seller)
        sell(seller)
    prepare()
    [payout] = files_of(read(71))["payouts"]
    assert (payout["amount_cents"], payout["status"]) == (5_000, "prepared")
    assert payout["bank_account"] == account.masked


def test_every_table_with_an_account_is_in_it_or_left_out_knowingly() -> None:
    numbers = {"buyer_id", "seller_id", "owner_id"}
    tables = {
        model
        for model in apps.get_app_config("transactions").get_models()
        if not numbers.isdisjoint(field.attname for field in model._meta.fields)
    }
    assert tables - {file.rows_of(71).model for file in exporting.FILES} == LEFT_OUT
