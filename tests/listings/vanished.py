"""Orders whose message has vanished, and what is sent again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from listings.models import Listing, Order
from listings.settling.reconcile import resend_overdue
from microstore.messaging.models import OutboxMessage
from tests.listings.purchases import order_one

DEADLINE = timedelta(minutes=2)
PlaceOrder = Callable[..., Order]


@pytest.fixture
def place_order(bob: User, put_on_sale: Callable[..., Listing]) -> PlaceOrder:
    """Bob's order of a lamp, some minutes ago; its message was sent, and has vanished."""
    lamp = put_on_sale("Reading lamp", quantity=5_000)

    def place(*, minutes_ago: float = 0, **fields: Any) -> Order:
        order = order_one(lamp, buyer_id=bob.pk)
        OutboxMessage.objects.all().delete()
        when = timezone.now() - timedelta(minutes=minutes_ago)
        Order.objects.filter(pk=order.pk).update(created_at=when, **fields)
        order.refresh_from_db()
        return order

    return place


def resend() -> int:
    return sum(resend_overdue(DEADLINE))


def sent_orders() -> list[UUID]:
    """Whose order_created is in the outbox, in the order of sending."""
    messages = OutboxMessage.objects.filter(contract="order_created").order_by("id")
    return [UUID(message.payload["order_id"]) for message in messages]


def make_older(order: Order, *, minutes: float) -> None:
    """Time passes for an order."""
    order.refresh_from_db()
    order.created_at -= timedelta(minutes=minutes)
    if order.resent_at:
        order.resent_at -= timedelta(minutes=minutes)
    order.save(update_fields=["created_at", "resent_at"])
