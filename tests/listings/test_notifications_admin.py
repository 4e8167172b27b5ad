"""Support sees what somebody was told of an order, and what became of the e-mail."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from uuid_utils.compat import uuid7

from listings.models import Listing, Notification, Order
from listings.notifications.models import Email
from tests.listings.purchases import order_one
from tests.support.roles import client_as

pytestmark = pytest.mark.django_db

LIST = "/admin/listings/notification/"


@pytest.fixture
def order(armchair: Listing, bob: User) -> Order:
    return order_one(armchair, buyer_id=bob.pk)


@pytest.fixture
def told(order: Order, alice: User, bob: User) -> dict[str, Notification]:
    """Buyer and seller of one order, and the seller of another."""
    event_id = uuid7()
    return {
        name: Notification.objects.create(
            recipient=recipient, event_id=event, kind=kind, role=role, order=order, text=f"Told to {name}."
        )
        for name, recipient, event, kind, role in (
            ("bob", bob, event_id, "order_completed", "buyer"),
            ("alice", alice, event_id, "order_completed", "seller"),
            ("alice again", alice, uuid7(), "order_cancelled", "seller"),
        )
    }


def found(client: Client, query: str) -> set[str]:
    return {row.text for row in client.get(f"{LIST}?{query}").context["cl"].result_list}


def test_notifications_are_found_by_who_was_told_and_by_the_order(
    told: dict[str, Notification], order: Order
) -> None:
    support = client_as("support")
    assert found(support, "q=alice") == {"Told to alice.", "Told to alice again."}
    assert found(support, f"q={order.pk}") == {"Told to alice.", "Told to bob."}
    assert found(support, "q=nobody") == set()
    assert found(support, "kind__exact=order_cancelled") == {"Told to alice again."}


def test_what_became_of_an_e_mail_is_said(told: dict[str, Notification]) -> None:
    support = client_as("support")
    Email.objects.create(notification=told["bob"], error="550 no such user")
    Email.objects.create(notification=told["alice"], sent_at=timezone.now())
    assert found(support, "email=refused") == {"Told to bob."}
    said = {name: support.get(f"{LIST}{row.pk}/change/").content.decode() for name, row in told.items()}
    assert "refused: 550 no such user" in said["bob"]
    assert "sent " in said["alice"]
    assert "none: not wanted, or no verified address" in said["alice again"]


def test_nobody_changes_what_was_said(told: dict[str, Notification]) -> None:
    row = told["bob"]
    answer = client_as("admin").post(f"{LIST}{row.pk}/change/", {"text": "Something else."})
    assert answer.status_code == 403
    row.refresh_from_db()
    assert row.text == "Told to bob."
