"""Checks that compare the orders of one service with the transactions of the other."""

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

from audit.check import Check
from audit.order_checks import (
    Pair,
    find_recorded_problem,
    find_rejected_problem,
    find_sold_problem,
    pair_rows,
)
from audit.range_checksums import (
    CURRENCY,
    ORDERS,
    TOTAL,
    TRANSACTIONS,
    Checksum,
    IdRange,
    find_bounds,
    ranges_between,
)
from audit.snapshots import Snapshots

ORPHANS_AT_ONCE = 500


class Comparison:
    """Reads both tables once; ranges of equal checksums are not read row by row."""

    def __init__(self, snapshots: Snapshots) -> None:
        orders, transactions = snapshots.listings, snapshots.transactions
        sold = orders.count(ORDERS.table, ORDERS.sold)
        recorded = transactions.count(TRANSACTIONS.table, TRANSACTIONS.sold)
        rejected = orders.count(ORDERS.table, "status = 'rejected'")
        self.snapshots = snapshots
        self.sold = Check("sold", "a completed order has one transaction, and it says the same", sold)
        self.recorded = Check(
            "recorded", "a transaction has its order, completed or about to be, not cancelled", recorded
        )
        self.rejected = Check("rejected", "a rejected order has no recorded transaction", rejected)
        self.ordered_cents: Counter[str] = Counter()
        self.recorded_cents: Counter[str] = Counter()
        self._orphans: list[UUID] = []

    def run(self) -> list[Check]:
        """Compare all orders and transactions, and return the finished checks."""
        for ids in self.differing_ranges():
            for pair in self.read_pairs(ids):
                self.compare(pair)
        self.confirm_orphans()
        return [self.sold, self.recorded, self.rejected, self.check_sums()]

    def differing_ranges(self) -> Iterator[IdRange]:
        """Yield the ranges to read row by row; add the totals of the others up."""
        listings, transactions = self.snapshots.listings, self.snapshots.transactions
        bounds = find_bounds(listings)
        # Without a bound there is one range, and nothing that equal checksums could skip.
        if not bounds:
            yield IdRange()
            return
        ordered = ORDERS.read_checksums(listings, bounds)
        recorded = TRANSACTIONS.read_checksums(transactions, bounds)
        for number, ids in enumerate(ranges_between(bounds)):
            if ordered[number] == recorded[number]:
                add_totals(self.ordered_cents, ordered[number])
                add_totals(self.recorded_cents, recorded[number])
            else:
                yield ids

    def read_pairs(self, ids: IdRange) -> Iterator[Pair]:
        """Yield the orders of a range with their transactions."""
        listings, transactions = self.snapshots.listings, self.snapshots.transactions
        deadline = listings.ago(self.snapshots.limits.pending)
        return pair_rows(
            ORDERS.read_rows(listings, ids, deadline, deadline), TRANSACTIONS.read_rows(transactions, ids)
        )

    def compare(self, pair: Pair) -> None:
        """Add the problems of an order and its transactions, and their totals."""
        for check, find_problem in (
            (self.sold, find_sold_problem),
            (self.recorded, find_recorded_problem),
            (self.rejected, find_rejected_problem),
        ):
            if problem := find_problem(pair):
                check.add(f"order {pair.order_id}", problem)
        if pair.is_orphan:
            self._orphans.append(pair.order_id)
        if pair.order and pair.is_sold:
            self._add_pair(pair)
        if len(self._orphans) >= ORPHANS_AT_ONCE:
            self.confirm_orphans()

    def confirm_orphans(self) -> None:
        """Add the transactions whose order is missing in the youngest snapshot of the listings too."""
        # An order placed after the first snapshot may have its transaction in the second already.
        orphans, self._orphans = self._orphans, []
        if orphans:
            sql = f"SELECT id FROM {ORDERS.table} WHERE id = ANY(%s)"  # noqa: S608  # made of constants
            found = {order_id for (order_id,) in self.snapshots.listings_later().all(sql, orphans)}
            for order_id in orphans:
                if order_id not in found:
                    self.recorded.add(f"order {order_id}", "there is no such order, though it is recorded")

    def check_sums(self) -> Check:
        """Compare the totals of completed orders with those of their transactions, for each currency."""
        currencies = sorted({*self.ordered_cents, *self.recorded_cents})
        check = Check("sums", "completed orders and their transactions sum up to the same", len(currencies))
        for currency in currencies:
            ordered, recorded = self.ordered_cents[currency], self.recorded_cents[currency]
            if ordered != recorded:
                check.add(currency, f"{ordered} in orders, {recorded} in their transactions")
        return check

    def _add_pair(self, pair: Pair) -> None:
        assert pair.order is not None
        for cents, rows in ((self.ordered_cents, [pair.order]), (self.recorded_cents, pair.recorded)):
            for row in rows:
                cents[row.terms[CURRENCY]] += row.terms[TOTAL] or 0


def add_totals(cents: Counter[str], checksums: dict[str, Checksum]) -> None:
    """Add the totals of a range to the sums by currency."""
    for currency, checksum in checksums.items():
        cents[currency] += checksum.total_cents
