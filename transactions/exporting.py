"""Rows of this service for the archive of an account, a page at a time, without the numbers of others."""

from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from microstore.contracts.accounts import MAX_ROWS, ExportRequested
from transactions.ledger.models import Account, Entry
from transactions.models import Transaction
from transactions.payouts.models import Payout
from transactions.refunds.models import Refund

TRANSACTION = (
    *("id", "order_id", "listing_id", "quantity", "title", "category", "currency", "price_cents"),
    *("fee_cents", "total_cents", "fee_rule", "status", "reason", "created_at", "voided_at"),
)
REFUND = (
    *("id", "order_id", "listing_id", "amount_cents", "fee_cents", "currency", "status", "reason"),
    *("refusal", "created_at"),
)
PAYOUT = (
    *("id", "currency", "amount_cents", "status", "bank_account__masked"),
    *("created_at", "sent_at", "settled_at", "returned_at"),
)
ENTRY = ("id", "journal__kind", "journal__subject_id", "journal__occurred_at", "currency", "amount_cents")


class File(NamedTuple):
    """A file of the archive: the rows of an account and their columns; the first one is the primary key."""

    name: str
    rows_of: Callable[[int], QuerySet[Any]]
    columns: tuple[str, ...]


class Page(NamedTuple):
    """Rows of a file, and the cursor of the next page; empty: there is none."""

    file: str
    rows: list[dict[str, Any]]
    next_cursor: str


FILES = (
    File("purchases", lambda account_id: Transaction.objects.filter(buyer_id=account_id), TRANSACTION),
    File("sales", lambda account_id: Transaction.objects.filter(seller_id=account_id), TRANSACTION),
    File(
        "decided_refunds",
        lambda account_id: Refund.objects.filter(
            Q(transaction__buyer_id=account_id) | Q(transaction__seller_id=account_id)
        ),
        REFUND,
    ),
    File(
        "ledger",
        lambda account_id: Entry.objects.filter(account=Account.PAYABLE, owner_id=account_id),
        (*ENTRY, "available_at"),
    ),
    File("payouts", lambda account_id: Payout.objects.filter(seller_id=account_id), PAYOUT),
)
BY_NAME = {file.name: file for file in FILES}
FOLLOWING = {file.name: following.name for file, following in pairwise(FILES)}


def read_page(request: ExportRequested) -> Page:
    """Return the page of a request; a cursor that this release did not write begins at the first file."""
    name, _, last = request.cursor.partition(":")
    file = BY_NAME.get(name, FILES[0])
    rows = file.rows_of(request.account_id).order_by("pk")
    if last and name in BY_NAME:
        rows = rows.filter(pk__gt=last)
    read = list(rows.values(*file.columns)[:MAX_ROWS])
    if len(read) == MAX_ROWS:
        return Page(file.name, _plain(read), f"{file.name}:{read[-1][file.columns[0]]}")
    following = FOLLOWING.get(file.name)
    return Page(file.name, _plain(read), f"{following}:" if following else "")


def _plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{_short(name): _as_json(value) for name, value in row.items()} for row in rows]


def _short(name: str) -> str:
    return name.removeprefix("journal__").removesuffix("__masked")


def _as_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
