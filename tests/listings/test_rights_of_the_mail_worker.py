"""The database role of the notifications worker does its work, and reaches nothing else."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.db import ProgrammingError, connection, transaction
from pytest_django import Settings

from listings.accounts import mails
from listings.models import Listing, Order, Profile
from listings.notifications import tasks
from listings.settling.complete import complete_orders
from microstore.contracts.listings import ORDER_COMPLETED
from microstore.contracts.notifications import MAIL_ACCOUNT
from microstore.messaging.dead_letters import store
from microstore.messaging.models import DeadLetter, OutboxMessage
from microstore.telemetry.tracing import new_trace
from tests.listings.replies import item_sold

pytestmark = pytest.mark.django_db
ROLE = "microstore_notifications"
OWN_COMMAND = ORDER_COMPLETED.for_listener("notifications").name
ALL = "*"
# Table: privilege: columns. It has nothing else, of no other table.
RIGHTS = {
    "auth_user": {"SELECT": {"id", "username", "email", "is_active"}},
    "listings_profile": {"SELECT": {ALL}},
    "listings_accountmail": {
        "SELECT": {ALL},
        "INSERT": {ALL},
        "UPDATE": {"address", "token_hash", "expires_at", "sent_at", "error"},
    },
    "listings_sentmail": {"SELECT": {ALL}, "INSERT": {ALL}},
    "listings_listing": {"SELECT": {"id", "seller_id", "title", "edition"}},
    "listings_listingedition": {"SELECT": {"id", "listing_id", "title", "edition"}},
    "listings_order": {
        "SELECT": {
            *("id", "buyer_id", "listing_id", "edition", "quantity", "total_cents", "currency", "status"),
            *("checkout_id", "reason"),
        }
    },
    "listings_refund": {"SELECT": {"id", "reason"}},
    "listings_notification": {
        "SELECT": {ALL},
        "INSERT": {"recipient_id", "event_id", "kind", "role", "order_id", "text"},
    },
    "listings_email": {"SELECT": {ALL}, "INSERT": {ALL}, "UPDATE": {"sent_at", "error", "held"}},
    "messaging_deadletter": {"SELECT": {ALL}, "INSERT": {ALL}, "UPDATE": {ALL}},
}
TABLES = "relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'p')"
OF_COLUMNS, OF_TABLES = ("SELECT", "INSERT", "UPDATE", "REFERENCES"), ("DELETE", "TRUNCATE", "TRIGGER")


def rows(statement: str, *values: str) -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [*cursor.fetchall()]


@contextmanager
def acting_as_the_worker() -> Iterator[None]:
    # Until the end of the test's transaction, if the block fails.
    with connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL ROLE {ROLE}")
        yield
        cursor.execute("RESET ROLE")


@pytest.fixture
def order(alice: User, bob: User, put_on_sale: Callable[..., Listing]) -> Order:
    for user in (alice, bob):
        user.email = f"{user.username}@shop.example"
        user.save()
        Profile.objects.create(user=user, verified_email=user.email)
    listing = put_on_sale("Crunchy armchair", quantity=9, available=7)
    return Order.objects.create(
        buyer=bob, listing=listing, quantity=2, unit_price_cents=2_450, currency="EUR", trace=new_trace()
    )


@pytest.mark.parametrize("privilege", [*OF_COLUMNS, *OF_TABLES])
def test_it_has_these_privileges_of_these_columns_and_no_other(privilege: str) -> None:
    allowed = {table: of[privilege] for table, of in RIGHTS.items() if privilege in of}
    if privilege in OF_TABLES:
        found = rows(
            f"SELECT relname FROM pg_class WHERE {TABLES} AND has_table_privilege(%s, oid, %s)",
            ROLE,
            privilege,
        )
        assert found == []
        return
    columns = rows(
        "SELECT relname, attname, has_column_privilege(%s, attrelid, attnum, %s)::text FROM pg_attribute"
        f" JOIN pg_class ON pg_class.oid = attrelid WHERE attnum > 0 AND NOT attisdropped AND {TABLES}",
        *(ROLE, privilege),
    )
    assert len(columns) > 100
    for table, column, has in columns:
        of = allowed.get(table, set())
        assert (has == "true") == (ALL in of or column in of), f"{privilege} of {table}.{column}"


def test_it_stores_notifications_and_sends_their_e_mails(order: Order) -> None:
    facts = complete_orders([item_sold(order.pk)])
    with acting_as_the_worker():
        for _ in range(2):
            tasks.order_completed(facts)
    assert sorted(message.to[0] for message in mail.outbox) == ["alice@shop.example", "bob@shop.example"]


def test_it_writes_of_a_listing_that_was_changed_since(order: Order, armchair: Listing) -> None:
    Order.objects.filter(pk=order.pk).update(edition=order.listing.edition)
    facts = complete_orders([item_sold(order.pk)])
    order.listing.title, order.listing.edition = "Quiet armchair", order.listing.edition + 1
    order.listing.save()
    with acting_as_the_worker():
        tasks.order_completed(facts)
    assert [message for message in mail.outbox if "Crunchy armchair" in message.body] == mail.outbox != []


def test_it_sends_what_people_request_for_their_accounts(order: Order, bob: User, settings: Settings) -> None:
    settings.MAX_MAILS_PER_HOUR = 0
    facts = complete_orders([item_sold(order.pk)])
    User.objects.filter(username="alice").update(email="alice@other.example")
    with acting_as_the_worker():
        tasks.order_completed(facts)
    mails.request_reset(bob.email)
    mails.request_reset("alice@other.example")
    mails.request_mail(mails.Kind.PASSWORD_CHANGED, address=bob.email, user=bob)
    mails.request_mail(mails.Kind.DIGEST, address=bob.email, user=bob)
    rows = OutboxMessage.objects.filter(contract=MAIL_ACCOUNT.name).order_by("pk")
    messages = [MAIL_ACCOUNT.parse(row.payload) for row in rows]
    with acting_as_the_worker():
        tasks.mail_account(messages)
    assert {str(message.subject) for message in mail.outbox} == {
        *("Choose a new password", "Confirm your e-mail address", "Your password was changed"),
        "More news of your orders and sales",
    }


def dead_letter(contract: str) -> DeadLetter:
    payload = {"event_id": "1", "order_id": "2"}
    return store.dead_letter(contract=contract, payload=payload, error=ValueError("no"), attempts=5)


def test_it_stores_dead_letters_of_its_own_and_finds_them_again() -> None:
    with acting_as_the_worker():
        assert dead_letter(OWN_COMMAND).pk == dead_letter(OWN_COMMAND).pk


@pytest.mark.parametrize("contract", ["item_sold", "order_created", "", "notifications.headXorder_completed"])
def test_it_writes_none_that_staff_would_replay_for_somebody_else(contract: str) -> None:
    foreign, own = dead_letter(contract), dead_letter(OWN_COMMAND)
    forged: list[Callable[[], object]] = [
        lambda: dead_letter(f"{contract}2"),
        lambda: DeadLetter.objects.filter(pk=foreign.pk).update(payload={}),
        lambda: DeadLetter.objects.filter(pk=foreign.pk).update(contract=OWN_COMMAND),
        lambda: DeadLetter.objects.filter(pk=own.pk).update(contract=contract),
    ]
    with acting_as_the_worker():
        for forge in forged:
            with (
                pytest.raises(ProgrammingError, match="not of the worker of this role"),
                transaction.atomic(),
            ):
                forge()
