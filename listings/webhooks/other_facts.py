"""Storing deliveries of facts that are not about one order: of payouts and of checkouts."""

from collections.abc import Sequence
from uuid import UUID

from listings.webhooks.store import Scope, find_of_sales, find_wanting, insert_deliveries
from microstore.contracts.listings import CheckoutSettled
from microstore.contracts.payouts import PayoutMessage


def store_payouts(event_type: str, facts: Sequence[PayoutMessage]) -> int:
    """Store a delivery of each fact for the endpoints of its seller; return the number of new ones."""
    sellers = {fact.seller_id for fact in facts}
    own = find_wanting(event_type).filter(scope=Scope.OWN_SALES, owner__in=sellers)
    of_seller: dict[int, list[UUID]] = {}
    for seller_id, endpoint_id in own.values_list("owner", "id"):
        of_seller.setdefault(seller_id, []).append(endpoint_id)
    own_of = {fact.event_id: of_seller.get(fact.seller_id, []) for fact in facts}
    return insert_deliveries(event_type, facts, own_of)


def store_checkouts(event_type: str, facts: Sequence[CheckoutSettled]) -> int:
    """Store a delivery of each fact for the endpoints of the sellers in it; return the number of new ones."""
    of_order = find_of_sales(event_type, [order_id for fact in facts for order_id in fact.order_ids])
    return insert_deliveries(
        event_type,
        facts,
        # Once each, however many of the checkout's orders are of one seller.
        {fact.event_id: {one for each in fact.order_ids for one in of_order.get(each, [])} for fact in facts},
    )
