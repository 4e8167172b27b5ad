"""Settling checkouts: their fact and their event of the live feed, once none of their orders is pending."""

from collections.abc import Iterable, Sequence
from uuid import UUID

import structlog
from django.db import connection

from listings.messages import checkout_settled
from listings.models import LiveEvent, Order
from listings.orders.checkouts import find_checkouts
from microstore.contracts.listings import CHECKOUT_SETTLED
from microstore.messaging.sending import outbox

log = structlog.get_logger(__name__)

LOCK = """
SELECT pg_advisory_xact_lock(key) FROM (
    SELECT DISTINCT hashtextextended('checkout ' || id, 0) AS key FROM unnest(%s::text[]) id ORDER BY key
) AS keys
"""


def settle_checkouts(checkout_ids: Iterable[UUID | None]) -> list[LiveEvent]:
    """Send `checkout_settled` of each checkout whose last order has been settled; return the events to push.

    To be called last in the transaction that has settled orders of these checkouts; None is no checkout.
    """
    ids = {checkout_id for checkout_id in checkout_ids if checkout_id}
    if not ids:
        return []
    # Two transactions may settle the last two orders at the same moment, and neither sees what the other has
    # not committed. So one waits here for the other's commit, and its next statement finds all settled.
    # Both have locked their orders and listings before, and wait for none afterwards: there is no deadlock.
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [sorted(map(str, ids))])
    return [_settle(each.orders) for each in find_checkouts(ids).values() if not each.is_open]


def _settle(orders: Sequence[Order]) -> LiveEvent:
    first = orders[0]
    outbox.send_again(CHECKOUT_SETTLED, checkout_settled(orders))
    log.info("checkout_settled", checkout_id=str(first.checkout_id), trace_id=first.trace_id)
    payload = {
        "listing_id": first.listing_id,
        "order_id": str(first.id),
        "checkout_id": str(first.checkout_id),
    }
    # Of its first order, of which there is one such event: the table's constraint holds that it is sent once.
    return LiveEvent.objects.create(
        type=CHECKOUT_SETTLED.name, order_id=first.id, listing_id=first.listing_id, payload=payload
    )
