"""Checks that read one database alone."""

from audit.check import Check
from audit.snapshot import Snapshot
from audit.snapshots import Snapshots

STOCK = """
    SELECT listing.id, listing.quantity, listing.available, coalesce(taken.quantity, 0)
    FROM listings_listing listing LEFT JOIN (
        SELECT listing_id, sum(quantity - returned_quantity) AS quantity FROM listings_order
        WHERE status IN ('pending', 'completed', 'partly_refunded', 'refunded') GROUP BY listing_id
    ) taken ON taken.listing_id = listing.id
    WHERE listing.available + coalesce(taken.quantity, 0) <> listing.quantity
"""
OVERDUE = "SELECT id, created_at FROM listings_order WHERE status = 'pending' AND created_at < %s"
UNVOIDED = """
    SELECT id, settled_at FROM listings_order
    WHERE status = 'cancelled' AND transaction_id IS NULL AND settled_at < %s
"""
STUCK = "SELECT id, contract, created_at, attempts FROM messaging_outboxmessage WHERE created_at < %s"
# Live events are deleted after some days: older sales cannot be checked.
RECENTLY_COMPLETED = "status = 'completed' AND settled_at > %s"
WITHOUT_ONE_EVENT = f"""
    SELECT sold.id, count(event.seq)
    FROM listings_order sold
    LEFT JOIN listings_liveevent event ON event.order_id = sold.id AND event.type = 'item_sold'
    WHERE {RECENTLY_COMPLETED} GROUP BY sold.id HAVING count(event.seq) <> 1
"""  # noqa: S608  # made of constants


def check_listings(snapshots: Snapshots) -> list[Check]:
    """Run the checks of the listings database."""
    checks = (check_stock, check_pending, check_cancelled, check_live_events)
    return [check(snapshots) for check in checks]


def check_outboxes(snapshots: Snapshots) -> list[Check]:
    """Run the check of each service's outbox."""
    return [
        check_outbox("listings", snapshots.listings, snapshots),
        check_outbox("transactions", snapshots.transactions, snapshots),
    ]


def check_stock(snapshots: Snapshots) -> Check:
    """Find listings whose available and ordered pieces do not add up to their quantity."""
    snapshot = snapshots.listings
    check = Check("stock", "available + ordered = quantity", snapshot.count("listings_listing"))
    return check.search(
        snapshot,
        STOCK,
        subject="listing {}".format,
        problem="of {} there are {} available and {} ordered",
    )


def check_pending(snapshots: Snapshots) -> Check:
    """Find orders that have been pending for longer than the deadline."""
    snapshot, deadline = snapshots.listings, snapshots.limits.pending
    examined = snapshot.count("listings_order", "status = 'pending'")
    check = Check("pending", f"no order is pending for more than {deadline.total_seconds():g} s", examined)
    return check.search(
        snapshot, OVERDUE, snapshot.ago(deadline), subject="order {}".format, problem="pending since {}"
    )


def check_cancelled(snapshots: Snapshots) -> Check:
    """Find cancelled orders without an acknowledgement of the transactions service before the deadline."""
    # The acknowledgement writes `transaction_id`, also for an order that was never priced.
    snapshot = snapshots.listings
    examined = snapshot.count("listings_order", "status = 'cancelled'")
    check = Check("cancelled", "the transactions service knows of each cancelled order", examined)
    return check.search(
        snapshot,
        UNVOIDED,
        snapshot.ago(snapshots.limits.pending),
        subject="order {}".format,
        problem="cancelled since {}, and not known to be voided",
    )


def check_live_events(snapshots: Snapshots) -> Check:
    """Find recently completed orders that have not exactly one `item_sold` event."""
    snapshot = snapshots.listings
    since = snapshot.ago(snapshots.limits.live_events)
    examined = snapshot.count("listings_order", RECENTLY_COMPLETED, since)
    check = Check("live_events", "a completed order has one item_sold event", examined)
    return check.search(
        snapshot,
        WITHOUT_ONE_EVENT,
        since,
        subject="order {}".format,
        problem="completed, with {} item_sold events",
    )


def check_outbox(service: str, snapshot: Snapshot, snapshots: Snapshots) -> Check:
    """Find messages that have waited for the relay for longer than the limit."""
    limit = snapshots.limits.outbox
    examined = snapshot.count("messaging_outboxmessage")
    check = Check(
        f"{service}_outbox", f"no message waits for more than {limit.total_seconds():g} s", examined
    )
    return check.search(
        snapshot,
        STUCK,
        snapshot.ago(limit),
        subject="outbox message {}".format,
        problem="{} waits since {}, refused {} times",
    )
