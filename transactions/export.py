"""Transactions as CSV, row by row, so that a million of them need no memory."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from transactions.models import Transaction

COLUMNS = (
    *("id", "order_id", "status", "listing_id", "buyer_id", "seller_id", "quantity", "currency"),
    *("price_cents", "fee_cents", "total_cents", "fee_rule", "reason", "created_at"),
)
CHUNK_ROWS = 2_000
# What a spreadsheet takes for the beginning of a formula: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Echo:
    """A file that returns what is written to it."""

    def write(self, text: str) -> str:
        """The line, to be sent."""
        return text


def stream_csv(transactions: QuerySet[Transaction]) -> Iterator[str]:
    """The lines of the file, a header first."""
    writer: Any = csv.writer(Echo())
    yield writer.writerow(COLUMNS)
    for row in transactions.values_list(*COLUMNS).iterator(chunk_size=CHUNK_ROWS):
        yield writer.writerow(guarded(row))


def guarded(row: Iterable[object]) -> list[object]:
    """Text that a spreadsheet would run as a formula gets an apostrophe before it; numbers stay numbers."""
    return [f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value for value in row]
