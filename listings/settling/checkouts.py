"""Settling checkouts: their fact and their event of the live feed, once none of their orders is pending."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

import structlog
from django.db import connection

from listings.messages import checkout_settled
from listings.models import LiveEvent, Order
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
    ids = {str(checkout_id) for checkout_id in checkout_ids if checkout_id}
    if not ids:
        return []
    # Two transactions may settle the last two orders at the same moment, and neither sees what the other has
    # not committed. So one waits here for the other's commit, and its next statement finds all settled.
    # Both have locked their orders and listings before, and wait for none afterwards: there is no deadlock.
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [sorted(ids)])
    orders = defaultdict(list)
    for order in Order.objects.filter(checkout_id__in=ids).order_by("id"):
        orders[order.checkout_id].append(order)
    return [_settle(together) for together in orders.values() if not any(map(_is_pending, together))]


def _is_pending(order: Order) -> bool:
    return order.status == Order.Status.PENDING


def _settle(orders: list[Order]) -> LiveEvent:
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
