"""What people were told is deleted when it is old."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from listings.models import Listing, Notification, Order
from listings.notifications.models import Email
from listings.settling import reconcile
from listings.settling.reconcile import clean_notifications
from tests.listings.purchases import order_one
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(bob: User, armchair: Listing) -> Order:
    """Of which Bob is told, often."""
    return order_one(armchair, buyer_id=bob.pk)


def tell(order: Order, *, days_ago: float, read: bool = False) -> int:
    """A notification of then, with its e-mail; its id."""
    then = timezone.now() - timedelta(days=days_ago)
    told = Notification.objects.create(
        recipient_id=order.buyer_id,
        event_id=uuid4(),
        kind="order_completed",
        role="buyer",
        order=order,
        text="You bought a crunchy armchair.",
        read_at=then if read else None,
    )
    Email.objects.create(notification=told, sent_at=then)
    Notification.objects.filter(pk=told.pk).update(created_at=then)
    return told.pk


def test_notifications_are_deleted_in_small_steps_with_their_emails_read_or_not(
    monkeypatch: pytest.MonkeyPatch, order: Order
) -> None:
    monkeypatch.setattr(reconcile, "CHUNK_ROWS", 2)
    for days_ago in (200, 120, 91, 90.5, 90.1):
        tell(order, days_ago=days_ago, read=days_ago > 100)
    kept = [tell(order, days_ago=days_ago, read=days_ago > 50) for days_ago in (89.9, 40, 0)]
    assert list(clean_notifications(timedelta(days=90))) == [2, 2, 1]
    assert list(Notification.objects.order_by("id").values_list("id", flat=True)) == kept
    assert list(Email.objects.order_by("pk").values_list("pk", flat=True)) == kept
    assert Order.objects.filter(pk=order.pk).exists()


def test_the_scheduler_deletes_what_is_older_than_the_setting_says(settings: Settings, order: Order) -> None:
    settings.NOTIFICATION_DAYS = 30
    tell(order, days_ago=31)
    kept = tell(order, days_ago=29)
    call_command("reconcile")
    assert Notification.objects.get().pk == kept


@pytest.mark.django_db(transaction=True)
def test_many_at_once_delete_each_notification_once(monkeypatch: pytest.MonkeyPatch, order: Order) -> None:
    monkeypatch.setattr(reconcile, "CHUNK_ROWS", 5)
    for _ in range(30):
        tell(order, days_ago=91)
    assert sum(run_at_once(6, lambda _: sum(clean_notifications(timedelta(days=90))))) == 30
