"""What is wrong with an order and the transactions recorded for it. An order under way has nothing wrong."""

from collections.abc import Iterable, Iterator
from heapq import merge
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from audit.range_checksums import TERMS, Entry

SOLD = ("completed", "refunded")  # a refund does not undo the transaction
UNDER_WAY = ("pending", "cancelling", *SOLD)  # cancelling: a moment ago, so that it may be voided in time
RECORDED = "recorded"


class Pair(NamedTuple):
    """An order, if there is one, and the transactions recorded for it."""

    order_id: UUID
    order: Entry | None
    recorded: list[Entry]

    @property
    def is_sold(self) -> bool:
        """Whether the order says so."""
        return self.order is not None and self.order.status in SOLD

    @property
    def is_orphan(self) -> bool:
        """Whether something was recorded for an order that the first snapshot does not show."""
        return self.order is None and bool(self.recorded)


def pair_up(orders: Iterable[Entry], recorded: Iterable[Entry]) -> Iterator[Pair]:
    """Join two streams that are in the order of their orders' ids."""
    by_order = attrgetter("order_id")
    for order_id, together in groupby(merge(orders, recorded, key=by_order), key=by_order):
        entries = list(together)
        order = next((entry for entry in entries if entry.status != RECORDED), None)
        yield Pair(order_id, order, [entry for entry in entries if entry.status == RECORDED])


def sold_problem(pair: Pair) -> str | None:
    """An order that is sold has exactly one recorded transaction, of the same terms."""
    if pair.order is None or not pair.is_sold:
        return None
    if len(pair.recorded) != 1:
        return f"{pair.order.status}, with {len(pair.recorded)} recorded transactions"
    return differences(pair.order, pair.recorded[0])


def recorded_problem(pair: Pair) -> str | None:
    """What is recorded belongs to an order that is sold or is about to be."""
    if pair.order is None or not pair.recorded or pair.order.status in (*UNDER_WAY, "rejected"):
        return None
    return f"{pair.order.status}, though transaction {pair.recorded[0].terms[0]} is recorded"


def rejected_problem(pair: Pair) -> str | None:
    """For a rejected order nothing is recorded; a refusal may be."""
    if pair.order is None or not pair.recorded or pair.order.status != "rejected":
        return None
    return f"rejected, though transaction {pair.recorded[0].terms[0]} is recorded"


def differences(order: Entry, recorded: Entry) -> str | None:
    """Where the two do not say the same."""
    told = zip(TERMS, order.terms, recorded.terms, strict=True)
    return (
        ", ".join(f"{name} {mine}, but {theirs} recorded" for name, mine, theirs in told if mine != theirs)
        or None
    )
