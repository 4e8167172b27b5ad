"""The database role of worker and sender of webhooks does their work, and reaches nothing else."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import ProgrammingError, connection, transaction
from django.db.models.functions import Now
from pytest_django import Settings

from listings.accounts.models import AccountMail
from listings.messages import order_created
from listings.models import Listing
from listings.settling.reconcile import clean_webhooks
from listings.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from listings.webhooks.notices import request_notices
from listings.webhooks.store import store_deliveries
from microstore.contracts.notifications import MAIL_ACCOUNT
from microstore.messaging.dead_letters import store
from microstore.messaging.models import OutboxMessage
from tests.listings.hooks import endpoint_of, make_due, send_due
from tests.listings.purchases import order_one
from tests.support.receiver import Receiver, with_status

pytestmark = pytest.mark.django_db
ROLE = "microstore_webhooks"
# Table: columns that it may read; it may change no column but those of CHANGED.
READ = {
    "auth_user": {"id", "is_active", "is_superuser"},
    "listings_listing": {"id", "seller_id"},
    "listings_order": {"id", "listing_id", "status"},
}
WHOLE = {
    *("auth_user_groups", "auth_user_user_permissions", "auth_group", "auth_group_permissions"),
    *("auth_permission", "django_content_type", "messaging_deadletter"),
    *("listings_webhookendpoint", "listings_webhookdelivery", "listings_webhookattempt"),
}
CHANGED = {
    "listings_webhookendpoint": {
        *("failures", "failing_since", "paused_until", "enabled", "off_reason", "mail_due"),
    },
    "listings_webhookdelivery": {"status", "attempts", "due_at", "settled_at"},
}
COLUMNS = """
SELECT relname, attname, has_column_privilege(%s, attrelid, attnum, 'SELECT'),
    has_column_privilege(%s, attrelid, attnum, 'UPDATE')
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE attnum > 0 AND NOT attisdropped AND relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


def become(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {role}")


def test_it_reads_and_changes_these_columns_and_no_other() -> None:
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS, [ROLE, ROLE])
        found = cursor.fetchall()
    assert len(found) > 100
    for table, column, reads, changes in found:
        assert reads == (table in WHOLE or column in READ.get(table, ())), f"reads {table}.{column}"
        changed = table == "messaging_deadletter" or column in CHANGED.get(table, ())
        assert changes == changed, f"changes {table}.{column}"


def test_it_stores_deliveries_and_sends_them(
    alice: User, bob: User, put_on_sale: Callable[..., Listing], settings: Settings
) -> None:
    settings.WEBHOOK_NETWORKS = ["127.0.0.0/8"]
    order = order_one(put_on_sale(), buyer_id=bob.pk)
    facts = [order_created(order)]
    with Receiver() as receiver:
        endpoint_of(alice, receiver.url())
        staff = User.objects.create_superuser("root", is_staff=True)
        endpoint_of(staff, receiver.url("/gone"), scope="all_orders")
        receiver.answers["/gone"] = with_status(410)
        become(ROLE)
        assert store_deliveries("order.created", facts) == 2
        send_due()
        become("NONE")
    assert sorted(WebhookDelivery.objects.values_list("status", flat=True)) == ["delivered", "waiting"]


@pytest.mark.parametrize("contract", ["item_sold", "mail_account", "notifications.heard_order_created"])
def test_it_writes_no_dead_letter_that_staff_would_replay_for_somebody_else(contract: str) -> None:
    def dead_letter(name: str) -> None:
        store.dead_letter(contract=name, payload={"event_id": "1"}, error=ValueError("no"), attempts=5)

    become(ROLE)
    dead_letter("webhooks.heard_order_created")
    with pytest.raises(ProgrammingError, match="not of the worker of this role"), transaction.atomic():
        dead_letter(contract)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        OutboxMessage.objects.create(contract="item_sold", payload={})


def test_who_is_switched_off_gets_one_e_mail(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(email="alice@shop.example")
    alice.refresh_from_db()
    endpoint_of(alice, "https://hooks.example/")
    WebhookEndpoint.objects.update(enabled=False, off_reason="It answered 410 Gone.", mail_due=True)
    assert [request_notices(), request_notices()] == [1, 0]
    mail = AccountMail.objects.get()
    assert (mail.kind, mail.address) == ("webhook_off", "alice@shop.example")
    assert OutboxMessage.objects.filter(contract=MAIL_ACCOUNT.name).count() == 1


def test_old_deliveries_are_deleted_with_their_attempts(
    alice: User, bob: User, put_on_sale: Callable[..., Listing]
) -> None:
    endpoint = endpoint_of(alice, "https://hooks.example/")
    order = order_one(put_on_sale(), buyer_id=bob.pk)
    store_deliveries("order.created", [order_created(order)])
    WebhookAttempt.objects.create(delivery=WebhookDelivery.objects.get(), duration_ms=1, status_code=500)
    WebhookDelivery.objects.update(created_at=Now() - timedelta(days=31))
    store_deliveries("order.created", [order_created(order)])
    make_due()
    assert list(clean_webhooks(timedelta(days=30))) == [1]
    assert (endpoint.deliveries.count(), WebhookAttempt.objects.count()) == (1, 0)
