"""Checks that need one database alone."""

from audit.check import Check, order_name
from audit.snapshot import Snapshot
from audit.snapshots import Books

STOCK = """
    SELECT listing.id, listing.quantity, listing.available, coalesce(taken.quantity, 0)
    FROM listings_listing listing LEFT JOIN (
        SELECT listing_id, sum(quantity) AS quantity FROM listings_order
        WHERE status IN ('pending', 'completed') GROUP BY listing_id
    ) taken ON taken.listing_id = listing.id
    WHERE listing.available + coalesce(taken.quantity, 0) <> listing.quantity
"""
OVERDUE = "SELECT id, created_at FROM listings_order WHERE status = 'pending' AND created_at < %s"
UNVOIDED = """
    SELECT id, settled_at FROM listings_order
    WHERE status = 'cancelled' AND transaction_id IS NULL AND settled_at < %s
"""
STUCK = "SELECT id, contract, created_at, attempts FROM messaging_outboxmessage WHERE created_at < %s"
TOLD_ONCE = "status = 'completed' AND settled_at > %s"
NOT_TOLD_ONCE = f"""
    SELECT sold.id, count(event.seq)
    FROM listings_order sold
    LEFT JOIN listings_liveevent event ON event.order_id = sold.id AND event.type = 'item_sold'
    WHERE {TOLD_ONCE} GROUP BY sold.id HAVING count(event.seq) <> 1
"""  # noqa: S608  # made of constants


def check_listings(books: Books) -> list[Check]:
    """All that the listings database can say by itself."""
    return [check_stock(books), check_pending(books), check_cancelled(books), check_live_events(books)]


def check_outboxes(books: Books) -> list[Check]:
    """Both outboxes."""
    return [
        check_outbox("listings", books.listings, books),
        check_outbox("transactions", books.transactions, books),
    ]


def check_stock(books: Books) -> Check:
    """What is available and what is ordered make up what there was."""
    check = Check("stock", "available + ordered = quantity", books.listings.count("listings_listing"))
    return check.search(
        books.listings,
        STOCK,
        subject="listing {}".format,
        problem="of {} there are {} available and {} ordered",
    )


def check_pending(books: Books) -> Check:
    """No order waits for longer than the deadline."""
    snapshot, deadline = books.listings, books.limits.pending
    examined = snapshot.count("listings_order", "status = 'pending'")
    check = Check("pending", f"no order is pending for more than {deadline.total_seconds():g} s", examined)
    return check.search(
        snapshot, OVERDUE, snapshot.ago(deadline), subject=order_name, problem="pending since {}"
    )


def check_cancelled(books: Books) -> Check:
    """The transactions service has learnt of every cancelled order before the deadline."""
    snapshot = books.listings
    examined = snapshot.count("listings_order", "status = 'cancelled'")
    check = Check("cancelled", "the transactions service knows of each cancelled order", examined)
    return check.search(
        snapshot,
        UNVOIDED,
        snapshot.ago(books.limits.pending),
        subject=order_name,
        problem="cancelled since {}, and not known to be voided",
    )


def check_live_events(books: Books) -> Check:
    """A completed order was said to be sold exactly once, if that was so lately that it is still kept."""
    snapshot = books.listings
    since = snapshot.ago(books.limits.live_events)
    examined = snapshot.count("listings_order", TOLD_ONCE, since)
    check = Check("live_events", "a completed order has one item_sold event", examined)
    return check.search(
        snapshot, NOT_TOLD_ONCE, since, subject=order_name, problem="completed, with {} item_sold events"
    )


def check_outbox(service: str, snapshot: Snapshot, books: Books) -> Check:
    """No message waits for the relay for longer than the limit."""
    limit = books.limits.outbox
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
