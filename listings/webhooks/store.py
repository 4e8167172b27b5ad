"""Storing a delivery for each endpoint that wants an event; another process sends them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import QuerySet

from listings.messages import order_id_of
from listings.models import Order
from listings.webhooks.events import body_of
from listings.webhooks.models import WebhookDelivery, WebhookEndpoint
from microstore.contracts.contract import Message
from microstore.contracts.listings import ORDER_REJECTED
from microstore.database.bulk_insert import insert_new

WATCH_ALL = "listings.watch_all_orders"
Scope = WebhookEndpoint.Scope


class NewRow(NamedTuple):
    """A row to insert into the table of deliveries."""

    endpoint_id: UUID
    event_id: UUID
    event_type: str
    body: str


def store_deliveries(event_type: str, facts: Sequence[Message]) -> int:
    """Store a delivery of each fact for each endpoint that wants it; return the number of new ones.

    Idempotent: a fact that is delivered again stores nothing.
    """
    of_sales = find_of_sales(event_type, [order_id_of(fact) for fact in facts])
    left_out = _cancelled(event_type, facts)
    wanted = [fact for fact in facts if order_id_of(fact) not in left_out]
    own = {fact.event_id: of_sales.get(order_id_of(fact), []) for fact in wanted}
    return insert_deliveries(event_type, wanted, own)


def insert_deliveries(event_type: str, facts: Sequence[Message], own: Mapping[UUID, Iterable[UUID]]) -> int:
    """Store a delivery of each fact for its own endpoints and for those that want the events of everybody.

    `own` has the endpoints' ids by the id of the fact. Return the number of new deliveries.
    """
    of_all = list(_of_all_orders(event_type).values_list("id", flat=True))
    rows = [
        NewRow(endpoint_id, fact.event_id, event_type, body_of(event_type, fact))
        for fact in facts
        for endpoint_id in [*of_all, *own[fact.event_id]]
    ]
    return len(insert_new(WebhookDelivery, rows, key="id"))


def is_none_enabled() -> bool:
    """Return whether every endpoint is switched off, or there is none."""
    # All that a purchase costs here while nobody has an endpoint: the ORM takes three times as long.
    with connection.cursor() as cursor:
        cursor.execute("SELECT NOT EXISTS (SELECT FROM listings_webhookendpoint WHERE enabled)")
        return bool(cursor.fetchone()[0])


def find_wanting(event_type: str) -> QuerySet[WebhookEndpoint]:
    """Return the endpoints that are on and want events of this type."""
    return WebhookEndpoint.objects.filter(enabled=True, owner__is_active=True, events__contains=[event_type])


def _of_all_orders(event_type: str) -> QuerySet[WebhookEndpoint]:
    # Looked up each time: who has lost the permission gets nothing from then on.
    allowed = User.objects.with_perm(WATCH_ALL)
    return find_wanting(event_type).filter(scope=Scope.ALL_ORDERS, owner__in=allowed)


def find_of_sales(event_type: str, order_ids: Iterable[UUID]) -> dict[UUID, list[UUID]]:
    """Return, by order, the ids of those of them whose owner is its seller."""
    order = "owner__listings__orders"
    found = find_wanting(event_type).filter(scope=Scope.OWN_SALES, **{f"{order}__in": list(order_ids)})
    by_order: dict[UUID, list[UUID]] = {}
    for order_id, endpoint_id in found.values_list(order, "id"):
        by_order.setdefault(order_id, []).append(endpoint_id)
    return by_order


def _cancelled(event_type: str, facts: Iterable[Message]) -> set[UUID]:
    # The buyer cancelled before it was rejected: that is an event of its own, and this one is out of date.
    if event_type != ORDER_REJECTED.fact:
        return set()
    orders = Order.objects.filter(id__in=[order_id_of(fact) for fact in facts])
    return set(orders.filter(status=Order.Status.CANCELLED).values_list("id", flat=True))


def waiting_deliveries() -> QuerySet[WebhookDelivery]:
    """Return the deliveries that nobody has claimed."""
    return WebhookDelivery.objects.filter(status=WebhookDelivery.Status.WAITING)
