"""Checks that hold the orders of one service against the transactions of the other."""

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

from audit.check import Check, order_name
from audit.order_checks import Pair, pair_up, recorded_problem, rejected_problem, sold_problem
from audit.range_checksums import (
    CURRENCY,
    ORDERS,
    TOTAL,
    TRANSACTIONS,
    Span,
    Summary,
    as_uuid,
    find_bounds,
    spans_between,
)
from audit.snapshots import Books

LOOK_AGAIN_AT_ONCE = 500


class Comparison:
    """Goes through both ledgers once; ranges of equal summaries are not looked into."""

    def __init__(self, books: Books) -> None:
        orders, transactions = books.listings, books.transactions
        sold = orders.count(ORDERS.table, ORDERS.sold)
        recorded = transactions.count(TRANSACTIONS.table, TRANSACTIONS.sold)
        rejected = orders.count(ORDERS.table, "status = 'rejected'")
        self.books = books
        self.sold = Check("sold", "a completed order has one transaction, and it says the same", sold)
        self.recorded = Check(
            "recorded", "a transaction has its order, completed or about to be, not cancelled", recorded
        )
        self.rejected = Check("rejected", "a rejected order has no recorded transaction", rejected)
        self.ordered_cents: Counter[str] = Counter()
        self.recorded_cents: Counter[str] = Counter()
        self._orphans: list[UUID] = []

    def run(self) -> list[Check]:
        """Compare all."""
        for span in self.differing_spans():
            for pair in self.pairs(span):
                self.compare(pair)
        self.look_again()
        return [self.sold, self.recorded, self.rejected, self.sums()]

    def differing_spans(self) -> Iterator[Span]:
        """The ranges to look into; the sums of the others are added up."""
        listings, transactions = self.books.listings, self.books.transactions
        bounds = find_bounds(listings) if listings.can_hash and transactions.can_hash else []
        if not bounds:
            yield Span()
            return
        ordered, recorded = ORDERS.summaries(listings, bounds), TRANSACTIONS.summaries(transactions, bounds)
        for number, span in enumerate(spans_between(bounds)):
            if ordered[number] == recorded[number]:
                add_up(self.ordered_cents, ordered[number])
                add_up(self.recorded_cents, recorded[number])
            else:
                yield span

    def pairs(self, span: Span) -> Iterator[Pair]:
        """Both sides of a range."""
        listings, transactions = self.books.listings, self.books.transactions
        deadline = listings.ago(self.books.limits.pending)
        return pair_up(
            ORDERS.entries(listings, span, deadline, deadline), TRANSACTIONS.entries(transactions, span)
        )

    def compare(self, pair: Pair) -> None:
        """Note what is wrong with an order and its transactions, and what they come to."""
        for check, find_problem in (
            (self.sold, sold_problem),
            (self.recorded, recorded_problem),
            (self.rejected, rejected_problem),
        ):
            if problem := find_problem(pair):
                check.add(order_name(pair.order_id), problem)
        if pair.is_orphan:
            self._orphans.append(pair.order_id)
        if pair.order and pair.is_sold:
            self._add_up_pair(pair)
        if len(self._orphans) >= LOOK_AGAIN_AT_ONCE:
            self.look_again()

    def look_again(self) -> None:
        """Transactions whose order is not even in the younger snapshot of the listings have none."""
        orphans, self._orphans = self._orphans, []
        if orphans:
            marks = ", ".join(["%s"] * len(orphans))
            sql = f"SELECT id FROM {ORDERS.table} WHERE id IN ({marks})"  # noqa: S608  # made of constants
            found = {as_uuid(key) for (key,) in self.books.listings_later().all(sql, *orphans)}
            for order_id in orphans:
                if order_id not in found:
                    self.recorded.add(order_name(order_id), "there is no such order, though it is recorded")

    def sums(self) -> Check:
        """What completed orders came to is what their transactions came to, in each currency."""
        currencies = sorted({*self.ordered_cents, *self.recorded_cents})
        check = Check("sums", "completed orders and their transactions sum up to the same", len(currencies))
        for currency in currencies:
            ordered, recorded = self.ordered_cents[currency], self.recorded_cents[currency]
            if ordered != recorded:
                check.add(currency, f"{ordered} in orders, {recorded} in their transactions")
        return check

    def _add_up_pair(self, pair: Pair) -> None:
        assert pair.order is not None
        for cents, entries in ((self.ordered_cents, [pair.order]), (self.recorded_cents, pair.recorded)):
            for entry in entries:
                cents[entry.terms[CURRENCY]] += entry.terms[TOTAL] or 0


def add_up(cents: Counter[str], summaries: dict[str, Summary]) -> None:
    """Add a range's totals."""
    for currency, summary in summaries.items():
        cents[currency] += summary.total_cents
