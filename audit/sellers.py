"""Compares what both services have of sellers: whose listing was sold, and where its income is paid to."""

from collections.abc import Iterator
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any

from audit.check import Check
from audit.snapshots import Snapshots

LISTED = "SELECT id, 'listed', seller_id, seller_id FROM listings_listing ORDER BY id"
SOLD = """
    SELECT listing_id, 'sold', min(seller_id), max(seller_id) FROM transactions_transaction
    WHERE status = 'recorded' GROUP BY listing_id ORDER BY listing_id
"""
GIVEN = """
    SELECT id, 'given', user_id, masked FROM listings_bankaccount WHERE recorded_at IS NOT NULL ORDER BY id
"""
RECORDED = "SELECT id, 'recorded', seller_id, masked FROM transactions_bankaccount ORDER BY id"
UNRECORDED = """
    SELECT id, user_id, created_at FROM listings_bankaccount WHERE recorded_at IS NULL AND created_at < %s
"""

Stream = Iterator[tuple[Any, ...]]


def check_sellers(snapshots: Snapshots) -> list[Check]:
    """Run the checks of sellers."""
    return [compare_sellers(snapshots), compare_bank_accounts(snapshots), check_unrecorded(snapshots)]


def compare_sellers(snapshots: Snapshots) -> Check:
    """Find listings whose sales are recorded as somebody else's, who would be paid for them."""
    ours, theirs = snapshots.listings, snapshots.transactions
    check = Check("sellers", "a sale is its listing's seller's", ours.count("listings_listing"))
    unknown = {}
    for listing_id, sides in _pairs(ours.stream(LISTED), theirs.stream(SOLD)):
        if "listed" not in sides:
            unknown[listing_id] = sides["sold"]
        elif sides.get("sold", sides["listed"]) != sides["listed"]:
            _add_seller(check, listing_id, sides["listed"], sides["sold"])
    # What was listed after the first snapshot may be sold in the second already.
    if unknown:
        later = "SELECT id, seller_id, seller_id FROM listings_listing WHERE id = ANY(%s)"
        found = {key: owners for key, *owners in snapshots.listings_later().all(later, list(unknown))}
        for listing_id, sellers in unknown.items():
            if found.get(listing_id) != sellers:
                _add_seller(check, listing_id, found.get(listing_id, ["nobody"]), sellers)
    return check


def compare_bank_accounts(snapshots: Snapshots) -> Check:
    """Find bank accounts that the transactions service has confirmed, and not or not so recorded."""
    ours, theirs = snapshots.listings, snapshots.transactions
    promise = "both services have the same of a bank account"
    check = Check("bank_accounts", promise, ours.count("listings_bankaccount"))
    for account_id, sides in _pairs(ours.stream(GIVEN), theirs.stream(RECORDED)):
        seller_id, masked = sides.get("given", (None, None))
        # Erased with a deleted account, perhaps since the first snapshot.
        if seller_id and sides.get("recorded") not in ([seller_id, masked], [seller_id, ""]):
            recorded = sides.get("recorded", "nothing")
            check.add(f"bank account {account_id}", f"{masked} of seller {seller_id}; {recorded} recorded")
    return check


def check_unrecorded(snapshots: Snapshots) -> Check:
    """Find bank accounts that the transactions service has not confirmed before the deadline."""
    snapshot, deadline = snapshots.listings, snapshots.limits.pending
    examined = snapshot.count("listings_bankaccount", "recorded_at IS NULL")
    promise = f"no bank account waits for more than {deadline.total_seconds():g} s"
    return Check("bank_accounts_pending", promise, examined).search(
        snapshot,
        UNRECORDED,
        snapshot.ago(deadline),
        subject="bank account {}".format,
        problem="of seller {}, not recorded since {}",
    )


def _add_seller(check: Check, listing_id: int, owner: list[Any], sellers: list[Any]) -> None:
    sold = " and ".join(map(str, dict.fromkeys(sellers)))
    check.add(f"listing {listing_id}", f"of seller {owner[0]}; its sales are recorded as those of {sold}")


def _pairs(ours: Stream, theirs: Stream) -> Iterator[tuple[Any, dict[str, list[Any]]]]:
    """Yield each key with the values of either side, without holding all in memory."""
    for key, rows in groupby(merge(ours, theirs, key=itemgetter(0)), key=itemgetter(0)):
        yield key, {side: values for _, side, *values in rows}
