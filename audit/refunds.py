"""Checks of refunds: in each database, and between the two."""

from collections.abc import Iterator
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from audit.check import Check
from audit.snapshots import Snapshots

REQUESTED, REFUNDED = "requested", "refunded"
OVERDUE = "SELECT id, created_at FROM listings_refund WHERE status = 'requested' AND created_at < %s"
# Of orders that have a refund, or say so.
WRONG_SUMS = """
    SELECT placed.id, placed.status, refunded_cents, returned_quantity,
        coalesce(sums.cents, 0), coalesce(sums.pieces, 0)
    FROM listings_order placed FULL JOIN (
        SELECT order_id, sum(amount_cents) AS cents, sum(return_quantity) AS pieces FROM listings_refund
        WHERE status = 'refunded' GROUP BY order_id
    ) sums ON sums.order_id = placed.id
    WHERE (refunded_cents, returned_quantity) <> (coalesce(sums.cents, 0), coalesce(sums.pieces, 0))
        OR (refunded_cents = 0) <> (status NOT IN ('partly_refunded', 'refunded'))
        OR (refunded_cents = total_cents) <> (status = 'refunded')
"""
UNPOSTED = """
    WITH posted AS (
        SELECT subject_id, currency,
            -coalesce(sum(amount_cents) FILTER (WHERE account = 'receivable'), 0) AS amount_cents,
            coalesce(sum(amount_cents) FILTER (WHERE account = 'fee_income'), 0) AS fee_cents,
            coalesce(sum(amount_cents) FILTER (WHERE account = 'commission'), 0) AS commission_cents,
            coalesce(sum(amount_cents) FILTER (WHERE account = 'payable'), 0) AS income_cents,
            min(owner_id) FILTER (WHERE account = 'receivable') AS posted_buyer,
            min(owner_id) FILTER (WHERE account = 'payable') AS posted_seller
        FROM transactions_journal journal JOIN transactions_entry entry ON entry.journal_id = journal.id
        WHERE kind = 'refund' GROUP BY subject_id, currency
    )
    SELECT coalesce(id, subject_id), refund.amount_cents, refund.fee_cents, refund.commission_cents,
        buyer_id, seller_id, posted.amount_cents, posted.fee_cents, posted.commission_cents,
        posted_buyer, posted_seller
    FROM (
        SELECT refund.id, refund.currency, refund.amount_cents, refund.fee_cents, refund.commission_cents,
            buyer_id, seller_id
        FROM transactions_refund refund JOIN transactions_transaction sold ON sold.id = transaction_id
        WHERE refund.status = 'refunded'
    ) refund
    FULL JOIN posted ON id = subject_id AND refund.currency = posted.currency
    WHERE (refund.amount_cents, refund.fee_cents, refund.commission_cents)
            IS DISTINCT FROM (posted.amount_cents, posted.fee_cents, posted.commission_cents)
        OR refund.amount_cents - refund.fee_cents - refund.commission_cents <> income_cents
        OR posted_buyer <> buyer_id OR posted_seller <> seller_id
"""
OF_ANOTHER_ORDER = """
    SELECT refund.id, refund.order_id, refund.listing_id, refund.currency, sold.order_id, sold.listing_id,
        sold.currency
    FROM transactions_refund refund JOIN transactions_transaction sold ON sold.id = refund.transaction_id
    WHERE (refund.order_id, refund.listing_id, refund.currency)
        <> (sold.order_id, sold.listing_id, sold.currency)
"""
TOO_MUCH = """
    SELECT sold.order_id, sum(refund.amount_cents), min(sold.total_cents) FROM transactions_refund refund
    JOIN transactions_transaction sold ON sold.id = refund.transaction_id
    WHERE refund.status = 'refunded' GROUP BY sold.order_id
    HAVING sum(refund.amount_cents) > min(sold.total_cents)
"""
ROWS = """
    SELECT id, '{side}', status, order_id, amount_cents, coalesce(fee_cents, 0) FROM {side}_refund ORDER BY id
"""

Decision = tuple[Any, ...]


def check_refunds(snapshots: Snapshots) -> list[Check]:
    """Run the checks of refunds."""
    checks = (check_decided, check_sums, check_posted, check_sold, check_paid, compare_refunds)
    return [check(snapshots) for check in checks]


def check_decided(snapshots: Snapshots) -> Check:
    """Find refunds that have been requested for longer than the deadline and are not decided."""
    snapshot, deadline = snapshots.listings, snapshots.limits.pending
    examined = snapshot.count("listings_refund", "status = 'requested'")
    promise = f"no refund waits for more than {deadline.total_seconds():g} s"
    return Check("refunds_pending", promise, examined).search(
        snapshot, OVERDUE, snapshot.ago(deadline), subject="refund {}".format, problem="requested since {}"
    )


def check_sums(snapshots: Snapshots) -> Check:
    """Find orders whose refunded amount is not the sum of their refunds."""
    snapshot = snapshots.listings
    check = Check(
        "refund_sums", "an order says what its refunds add up to", snapshot.count("listings_refund")
    )
    return check.search(
        snapshot,
        WRONG_SUMS,
        subject="order {}".format,
        problem="{}, with {} refunded and {} pieces returned; its refunds add up to {} and {}",
    )


def check_posted(snapshots: Snapshots) -> Check:
    """Find refunds without one reversal of their amount in the ledger, and reversals without a refund."""
    snapshot = snapshots.transactions
    examined = snapshot.count("transactions_refund", "status = 'refunded'")
    return Check("refunds_posted", "each refund has one reversal in the ledger", examined).search(
        snapshot,
        UNPOSTED,
        subject="refund {}".format,
        problem="{} with a fee of {} and a commission of {} refunded, of buyer {} and seller {};"
        " {}, {} and {} in the ledger, of {} and {}",
    )


def check_sold(snapshots: Snapshots) -> Check:
    """Find refunds whose transaction is of another order, listing or currency."""
    snapshot = snapshots.transactions
    examined = snapshot.count("transactions_refund", "transaction_id IS NOT NULL")
    return Check("refunds_sold", "a refund is of its transaction's order", examined).search(
        snapshot,
        OF_ANOTHER_ORDER,
        subject="refund {}".format,
        problem="of order {}, listing {} and {}; its transaction is of {}, {} and {}",
    )


def check_paid(snapshots: Snapshots) -> Check:
    """Find orders of which more is refunded than was paid."""
    snapshot = snapshots.transactions
    check = Check("refunds_paid", "no more is refunded than was paid", snapshot.count("transactions_refund"))
    return check.search(snapshot, TOO_MUCH, subject="order {}".format, problem="{} refunded of {}")


def compare_refunds(snapshots: Snapshots) -> Check:
    """Find refunds about which the services disagree."""
    check = Check(
        "refunds", "both services say the same of a refund", snapshots.listings.count("listings_refund")
    )
    orphans = []
    for refund_id, ours, theirs in _pairs(snapshots):
        if ours is None:
            orphans.append(refund_id)
        elif ours[0] != REQUESTED and ours != theirs:
            check.add(f"refund {refund_id}", f"{ours} here, {theirs} in the transactions service")
    # One that was requested after the first snapshot may be decided in the second already.
    if orphans:
        found = snapshots.listings_later().all("SELECT id FROM listings_refund WHERE id = ANY(%s)", orphans)
        for refund_id in set(orphans) - {known for (known,) in found}:
            check.add(f"refund {refund_id}", "there is no such refund, though it is decided")
    return check


def _pairs(snapshots: Snapshots) -> Iterator[tuple[UUID, Decision | None, Decision | None]]:
    """Yield each refund's status, order, amount and fee in both databases, without holding all in memory."""
    ours = snapshots.listings.stream(ROWS.format(side="listings"))
    theirs = snapshots.transactions.stream(ROWS.format(side="transactions"))
    for refund_id, rows in groupby(merge(ours, theirs, key=itemgetter(0)), key=itemgetter(0)):
        of = {side: tuple(row) for _, side, *row in rows}
        yield refund_id, of.get("listings"), of.get("transactions")
