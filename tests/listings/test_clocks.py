"""A process whose clock is 400 days ahead deletes nothing and lets nothing expire."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone
from structlog.testing import capture_logs

from listings.accounts.sessions import open_session
from listings.messages import order_cancelled
from listings.models import ListingImage, LiveEvent, Notification, Order, Session
from listings.notifications.orders import notify
from listings.refusals import SecretJustChanged
from listings.settling import reconcile
from listings.settling.cancel import cancel_order
from listings.settling.reconcile import clean_live_events
from listings.webhooks.endpoints import rotate_secret
from listings.webhooks.models import WebhookEndpoint
from listings.webhooks.secrets import make_secret
from microstore.database.clock import database_now
from microstore.messaging.models import OutboxMessage
from tests.listings.vanished import PlaceOrder, place_order, sent_orders

__all__ = ["place_order"]
pytestmark = pytest.mark.django_db


def add_event() -> LiveEvent:
    return LiveEvent.objects.create(type="item_sold", order_id=uuid4(), listing_id=1, payload={})


def add_notification(order: Order) -> Notification:
    return Notification.objects.create(
        recipient_id=order.buyer_id,
        event_id=uuid4(),
        kind="order_completed",
        role="buyer",
        order=order,
        text="You bought a lamp.",
    )


def put_clock_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Affects this process alone; the database's clock stays right."""
    right = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: right() + timedelta(days=400))


def test_live_events_and_notifications_stay(place_order: PlaceOrder, monkeypatch: pytest.MonkeyPatch) -> None:
    add_event()
    add_notification(place_order())
    put_clock_ahead(monkeypatch)
    call_command("reconcile")
    assert (LiveEvent.objects.count(), Notification.objects.count()) == (1, 1)


def test_an_order_placed_just_now_is_neither_expired_nor_sent_again(
    place_order: PlaceOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    place_order()
    overdue = place_order(minutes_ago=3)
    put_clock_ahead(monkeypatch)
    call_command("reconcile")
    assert sent_orders() == [overdue.pk]
    assert OutboxMessage.objects.count() == 1


def test_what_was_sent_again_waits_for_its_turn_by_the_right_clock(
    place_order: PlaceOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = place_order(minutes_ago=3)
    put_clock_ahead(monkeypatch)
    call_command("reconcile")
    order.refresh_from_db()
    assert order.resent_at is not None
    assert order.resent_at - order.created_at < timedelta(hours=1)


def test_what_is_compared_with_the_databases_clock_is_written_by_it(
    place_order: PlaceOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = place_order()
    put_clock_ahead(monkeypatch)
    cancelled = cancel_order(order.pk, buyer_id=order.buyer_id)
    notify(Notification.Kind.ORDER_CANCELLED, [order_cancelled(cancelled)])
    ListingImage.objects.create(listing=order.listing, large="a.jpg", small="b.jpg", width=1, height=1)
    assert cancelled.settled_at is not None
    written = [
        each.created_at
        for model in (LiveEvent, Notification, ListingImage)
        for each in model._default_manager.all()
    ]
    assert len(written) == 4
    assert all(abs(at - database_now()) < timedelta(hours=1) for at in [*written, cancelled.settled_at])


def test_sessions_stay(make_user: Callable[..., User], monkeypatch: pytest.MonkeyPatch) -> None:
    carol = make_user("carol")
    open_session(carol)
    put_clock_ahead(monkeypatch)
    open_session(carol)
    assert Session.objects.filter(user=carol).count() == 2


def test_one_round_deletes_a_bounded_number_and_logs_that_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "CHUNK_ROWS", 2)
    monkeypatch.setattr(reconcile, "MAX_DELETED_IN_ROUND", 6)
    for _ in range(9):
        add_event()
    LiveEvent.objects.update(created_at=timezone.now() - timedelta(days=8))
    with capture_logs() as logs:
        rounds = [list(clean_live_events(timedelta(days=7))) for _ in range(3)]
    assert rounds == [[2, 2, 2], [2, 1], []]
    assert [line["event"] for line in logs] == ["cleaning_bounded"]


def test_both_secrets_of_a_webhook_sign_for_a_day_by_the_databases_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seller = User.objects.create_user("alice")
    endpoint = WebhookEndpoint.objects.create(
        owner=seller, url="https://hooks.example/", secret=make_secret(), events=["order.created"]
    )
    put_clock_ahead(monkeypatch)
    changed = rotate_secret(endpoint)
    assert changed.previous_secret_until
    assert timedelta(hours=23) < changed.previous_secret_until - database_now() <= timedelta(days=1)
    with pytest.raises(SecretJustChanged):
        rotate_secret(endpoint)
