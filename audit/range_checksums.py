"""Checksums of the sales in ranges of order ids, computed by each database; equal ranges need no reading."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from audit.snapshot import Snapshot, Value

ORDERS_IN_RANGE = 20_000
TERMS = (
    "transaction_id",
    "fee_cents",
    "total_cents",
    "currency",
    "listing_id",
    "buyer_id",
    "quantity",
    "price_cents",
)
TOTAL, CURRENCY = TERMS.index("total_cents"), TERMS.index("currency")


class SaleRow(NamedTuple):
    """An order or a transaction, with its TERMS in their order."""

    order_id: UUID
    status: str
    terms: tuple[Any, ...]


class IdRange(NamedTuple):
    """Order ids from `low` to below `high`; None is no limit."""

    low: UUID | None = None
    high: UUID | None = None


class Checksum(NamedTuple):
    """The sales of a range in one currency; equal checksums are equal sales."""

    sales: int
    total_cents: int
    fingerprint: int


Checksums = dict[int, dict[str, Checksum]]  # by number of the range, by currency


@dataclass(frozen=True)
class SalesTable:
    """The table and SQL expressions of one service's side; `terms` are its columns in the order of TERMS."""

    table: str
    key: str
    status: str
    sold: str  # rows that count as a sale
    compared: str  # rows to read where the checksums differ
    terms: tuple[str, ...]

    def read_checksums(self, snapshot: Snapshot, bounds: Sequence[UUID]) -> Checksums:
        """Return the checksums of the ranges between the bounds, numbered from 0."""
        # Two servers of different versions may hash differently: then all ranges differ and are compared row
        # by row, which takes longer and finds the same. The sum does not depend on the order of the rows.
        sql = f"""
            SELECT width_bucket({self.key}, %s), currency, count(*), sum(total_cents),
                   sum(hash_record_extended(ROW({self.key}, {", ".join(self.terms)}), 0))
            FROM {self.table} WHERE {self.sold} GROUP BY 1, 2
        """  # noqa: S608  # made of constants
        checksums: Checksums = defaultdict(dict)
        for number, currency, *values in snapshot.all(sql, list(bounds)):
            checksums[number][currency] = Checksum(*map(int, values))
        return checksums

    def read_rows(self, snapshot: Snapshot, ids: IdRange, *parameters: Value) -> Iterator[SaleRow]:
        """Yield the rows of a range in the order of their order ids; `parameters` are those of `status`."""
        limits = [f" AND {self.key} {sign} %s" for sign, limit in zip((">=", "<"), ids, strict=True) if limit]
        sql = f"""
            SELECT {self.key}, {self.status}, {", ".join(self.terms)} FROM {self.table}
            WHERE {self.compared}{"".join(limits)} ORDER BY {self.key}
        """  # noqa: S608  # made of constants
        for order_id, status, *terms in snapshot.stream(sql, *parameters, *filter(None, ids)):
            yield SaleRow(order_id, status, tuple(terms))


ORDERS = SalesTable(
    table="listings_order",
    key="id",
    status="""CASE WHEN status = 'pending' AND created_at < %s THEN 'overdue'
        WHEN status = 'cancelled' AND settled_at >= %s THEN 'cancelling' ELSE status END""",
    sold="status IN ('completed', 'partly_refunded', 'refunded')",
    compared="1 = 1",
    terms=(*TERMS[:-1], "quantity * unit_price_cents"),
)
TRANSACTIONS = SalesTable(
    table="transactions_transaction",
    key="order_id",
    status="status",
    sold="status = 'recorded'",
    compared="status = 'recorded'",
    terms=("id", *TERMS[1:]),
)


def find_bounds(snapshot: Snapshot) -> list[UUID]:
    """Return every ORDERS_IN_RANGE-th order id, sorted."""
    sql = f"""
        SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM {ORDERS.table}) numbered
        WHERE number %% %s = 0 ORDER BY id
    """  # noqa: S608  # made of constants
    return [key for (key,) in snapshot.all(sql, ORDERS_IN_RANGE)]


def ranges_between(bounds: Sequence[UUID]) -> list[IdRange]:
    """Return the ranges, numbered as `width_bucket` does: the first has no lower limit, the last no upper."""
    return [IdRange(low, high) for low, high in zip([None, *bounds], [*bounds, None], strict=True)]
