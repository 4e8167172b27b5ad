"""The same sales as each service has written them down, and in which ranges of order ids the two differ."""

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


class Entry(NamedTuple):
    """A row of either ledger."""

    order_id: UUID
    status: str
    terms: tuple[Any, ...]


class Span(NamedTuple):
    """Order ids from `low` to below `high`; None is no limit."""

    low: UUID | None = None
    high: UUID | None = None


class Summary(NamedTuple):
    """The sales of a range in one currency; equal summaries are equal sales."""

    sales: int
    total_cents: int
    fingerprint: int


Summaries = dict[int, dict[str, Summary]]  # by number of the range, by currency


@dataclass(frozen=True)
class Ledger:
    """Where a service keeps its side. `terms` are the columns that are called TERMS here."""

    table: str
    key: str
    status: str
    sold: str  # which rows say that something was sold
    compared: str  # which rows are of interest where the ledgers differ
    terms: tuple[str, ...]

    def summaries(self, snapshot: Snapshot, bounds: Sequence[UUID]) -> Summaries:
        """The sales of each range.

        Needs PostgreSQL 14. Where two servers should hash differently, all ranges differ and are compared
        row by row, which takes longer and finds the same.
        """
        sql = f"""
            SELECT width_bucket({self.key}, %s), currency, count(*), sum(total_cents),
                   sum(hash_record_extended(ROW({self.key}, {", ".join(self.terms)}), 0))
            FROM {self.table} WHERE {self.sold} GROUP BY 1, 2
        """  # noqa: S608  # made of constants
        found: Summaries = defaultdict(dict)
        for number, currency, *summary in snapshot.all(sql, list(bounds)):
            found[number][currency] = Summary(*map(int, summary))
        return found

    def entries(self, snapshot: Snapshot, span: Span, *parameters: Value) -> Iterator[Entry]:
        """The rows of a range in order of their orders' ids."""
        limits = [
            f" AND {self.key} {sign} %s" for sign, limit in zip((">=", "<"), span, strict=True) if limit
        ]
        sql = f"""
            SELECT {self.key}, {self.status}, {", ".join(self.terms)} FROM {self.table}
            WHERE {self.compared}{"".join(limits)} ORDER BY {self.key}
        """  # noqa: S608  # made of constants
        for key, status, transaction_id, *terms in snapshot.stream(sql, *parameters, *filter(None, span)):
            yield Entry(as_uuid(key), status, (transaction_id and as_uuid(transaction_id), *terms))


ORDERS = Ledger(
    table="listings_order",
    key="id",
    status="""CASE WHEN status = 'pending' AND created_at < %s THEN 'overdue'
        WHEN status = 'cancelled' AND settled_at >= %s THEN 'cancelling' ELSE status END""",
    sold="status IN ('completed', 'refunded')",
    compared="1 = 1",
    terms=(*TERMS[:-1], "quantity * unit_price_cents"),
)
TRANSACTIONS = Ledger(
    table="transactions_transaction",
    key="order_id",
    status="status",
    sold="status = 'recorded'",
    compared="status = 'recorded'",
    terms=("id", *TERMS[1:]),
)


def as_uuid(value: UUID | str) -> UUID:
    """SQLite has no type for it."""
    return value if isinstance(value, UUID) else UUID(value)


def find_bounds(snapshot: Snapshot) -> list[UUID]:
    """Every so many orders the id of one."""
    sql = f"""
        SELECT id FROM (SELECT id, row_number() OVER (ORDER BY id) AS number FROM {ORDERS.table}) numbered
        WHERE number %% %s = 0 ORDER BY id
    """  # noqa: S608  # made of constants
    return [key for (key,) in snapshot.all(sql, ORDERS_IN_RANGE)]


def spans_between(bounds: Sequence[UUID]) -> list[Span]:
    """The ranges, numbered as `width_bucket` does."""
    return [Span(low, high) for low, high in zip([None, *bounds], [*bounds, None], strict=True)]
