"""Compares an order with the transactions recorded for it. An order under way has no problem."""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from audit.range_checksums import TERMS, SaleRow

SOLD = ("completed", "partly_refunded", "refunded")  # a refund does not undo the transaction
# `cancelling` was cancelled a moment ago: the message that voids its transaction may still be on its way.
UNDER_WAY = ("pending", "cancelling", *SOLD)
RECORDED = "recorded"


class Pair(NamedTuple):
    """An order, if there is one, and the transactions recorded for it."""

    order_id: UUID
    order: SaleRow | None
    recorded: list[SaleRow]

    @property
    def is_sold(self) -> bool:
        return self.order is not None and self.order.status in SOLD

    @property
    def is_orphan(self) -> bool:
        """Whether something is recorded for an order that the first snapshot does not show."""
        return self.order is None and bool(self.recorded)


def pair_rows(orders: Iterable[SaleRow], recorded: Iterable[SaleRow]) -> Iterator[Pair]:
    """Join two streams, each sorted by order id, without holding either in memory."""
    by_order = attrgetter("order_id")
    for order_id, together in groupby(merge(orders, recorded, key=by_order), key=by_order):
        rows = list(together)
        order = next((row for row in rows if row.status != RECORDED), None)
        yield Pair(order_id, order, [row for row in rows if row.status == RECORDED])


def find_sold_problem(pair: Pair) -> str | None:
    """Return the problem unless a sold order has exactly one recorded transaction, of the same terms."""
    if pair.order is None or not pair.is_sold:
        return None
    if len(pair.recorded) != 1:
        return f"{pair.order.status}, with {len(pair.recorded)} recorded transactions"
    return describe_differences(pair.order, pair.recorded[0])


def find_recorded_problem(pair: Pair) -> str | None:
    """Return the problem unless a recorded transaction's order is sold or about to be."""
    # Rejected orders have a check of their own. An orphan's order may be younger than the first snapshot.
    if pair.order is None or not pair.recorded or pair.order.status in (*UNDER_WAY, "rejected"):
        return None
    return f"{pair.order.status}, though transaction {pair.recorded[0].terms[0]} is recorded"


def find_rejected_problem(pair: Pair) -> str | None:
    """Return the problem if a transaction is recorded for a rejected order; a refused one may exist."""
    if pair.order is None or not pair.recorded or pair.order.status != "rejected":
        return None
    return f"rejected, though transaction {pair.recorded[0].terms[0]} is recorded"


def describe_differences(order: SaleRow, recorded: SaleRow) -> str | None:
    """Return the terms in which the two rows differ, or None."""
    terms = zip(TERMS, order.terms, recorded.terms, strict=True)
    return (
        ", ".join(f"{name} {mine}, but {theirs} recorded" for name, mine, theirs in terms if mine != theirs)
        or None
    )
