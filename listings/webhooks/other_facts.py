"""Storing deliveries of facts that are not about one order: of payouts and of checkouts."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from listings.webhooks.events import body_of
from listings.webhooks.models import WebhookDelivery
from listings.webhooks.store import (
    NewRow,
    Scope,
    find_of_all_orders,
    find_of_sales,
    find_wanting,
    is_any_enabled,
)
from microstore.contracts.contract import Message
from microstore.contracts.listings import CheckoutSettled
from microstore.contracts.payouts import PayoutMessage
from microstore.database.bulk_insert import insert_new


def store_payouts(event_type: str, facts: Sequence[PayoutMessage]) -> int:
    """Store a delivery of each fact for the endpoints of its seller; return the number of new ones."""
    sellers = {fact.seller_id for fact in facts}
    own = find_wanting(event_type).filter(scope=Scope.OWN_SALES, owner__in=sellers)
    of_seller: dict[int, list[UUID]] = {}
    for seller_id, endpoint_id in own.values_list("owner", "id"):
        of_seller.setdefault(seller_id, []).append(endpoint_id)
    return _store(event_type, facts, {fact.event_id: of_seller.get(fact.seller_id, []) for fact in facts})


def store_checkouts(event_type: str, facts: Sequence[CheckoutSettled]) -> int:
    """Store a delivery of each fact for the endpoints of the sellers in it; return the number of new ones."""
    if not is_any_enabled():
        return 0
    of_order = find_of_sales(event_type, [order_id for fact in facts for order_id in fact.order_ids])
    return _store(
        event_type,
        facts,
        # Once each, however many of the checkout's orders are of one seller.
        {fact.event_id: {one for each in fact.order_ids for one in of_order.get(each, [])} for fact in facts},
    )


def _store(event_type: str, facts: Sequence[Message], endpoints: Mapping[UUID, Iterable[UUID]]) -> int:
    of_staff = list(find_of_all_orders(event_type).values_list("id", flat=True))
    rows = [
        NewRow(endpoint_id, fact.event_id, event_type, body_of(event_type, fact))
        for fact in facts
        for endpoint_id in [*of_staff, *endpoints[fact.event_id]]
    ]
    return len(insert_new(WebhookDelivery, rows, key="id"))
