"""Transactions as CSV, row by row, so that a million of them need no memory."""

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet

from microstore.staff.money import in_major_units
from transactions.models import Transaction

FIELDS = (
    *("id", "order_id", "status", "listing_id", "buyer_id", "seller_id", "quantity", "currency"),
    *("price_cents", "fee_cents", "total_cents", "fee_rule", "reason", "created_at"),
    *("title", "category", "picture", "description"),
)
AMOUNTS = ("price", "fee", "total")  # in the currency's unit, beside the minor units for programs
COLUMNS = (*FIELDS, *AMOUNTS)
CHUNK_ROWS = 2_000
# Characters with which a spreadsheet begins a formula: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


class Echo:
    """A file whose `write` returns the text, for `csv.writer`."""

    def write(self, text: str) -> str:
        return text


def stream_csv(transactions: QuerySet[Transaction]) -> Iterator[str]:
    """Yield the lines of the file, a header first."""
    writer: Any = csv.writer(Echo())
    yield writer.writerow(COLUMNS)
    for row in transactions.values(*FIELDS).iterator(chunk_size=CHUNK_ROWS):
        amounts = [_amount(row[f"{name}_cents"], row["currency"]) for name in AMOUNTS]
        yield writer.writerow([*escape_formulas(row.values()), *amounts])


def _amount(cents: int | None, currency: str) -> str:
    return "" if cents is None else f"{in_major_units(cents, currency):f}"


def escape_formulas(row: Iterable[object]) -> list[object]:
    """Return the row with an apostrophe before text that a spreadsheet would run; numbers stay numbers."""
    return [f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value for value in row]
