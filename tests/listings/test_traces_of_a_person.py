"""No trace of a person is left once their account is deleted, and nothing of others is lost."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import ProgrammingError, connection
from django.db.models import F
from django.test import Client
from django.test.client import MULTIPART_CONTENT
from kombu.utils import json as kombu_json
from rest_framework.test import APIClient
from uuid_utils.compat import uuid7

from listings.accounts.deletion import LATE, carry_on, request_deletion
from listings.accounts.models import AccountDeletion, AccountMail
from listings.messages import refund_requested
from listings.models import (
    CustomerNote,
    Listing,
    ListingImage,
    LiveEvent,
    Notification,
    Order,
    Profile,
    Refund,
    Report,
)
from listings.notifications import hourly_bound
from listings.notifications import tasks as notifications
from listings.tasks import account_forgotten
from microstore.contracts.accounts import ACCOUNT_FORGOTTEN
from microstore.contracts.contract import to_wire
from microstore.contracts.listings import REFUND_COMPLETED, RefundCompleted
from microstore.messaging.dead_letters import store
from microstore.messaging.models import DeadLetter, OutboxMessage
from microstore.staff.actions import record
from microstore.staff.models import FailedLogin, StaffAction
from microstore.telemetry.tracing import new_trace
from tests.listings.hooks import endpoint_of, store_created
from tests.listings.purchases import order_one
from tests.microstore.test_rights import APP, READER, acting_as
from tests.support.pages import text
from tests.support.pictures import picture, upload
from tests.support.traces_of_a_person import find_traces

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

PASSWORD = "a lighthouse in fog"
SOON = timedelta(minutes=2)
JSON, FORM = "application/json", MULTIPART_CONTENT
WORDS = ("zora", "quick.example", "quixo", "quixana", "555-0199")
FORMER = "old.zora@quick.example"
UNREADABLE = (
    *(b"[" * 200_000, b"[[[" + b"9" * 10_000, b"\xff", b"[[[5]], {}, {}]", b"[]"),
    b'[[[{"__type__": "uuid", "__value__": 5}]], {}, {}]',
)


@pytest.fixture
def zora(make_user: Callable[..., User]) -> User:
    """She sells, buys, and wants to be forgotten."""
    user = make_user("zora-quick", email="zora@quick.example", first_name="Zora", password=PASSWORD)
    Profile.objects.create(user=user, verified_email=user.email)
    return user


@pytest.fixture
def of_zora(zora: User, client_of: Callable[[User], APIClient]) -> APIClient:
    return client_of(zora)


def leave_traces(zora: User, bob: User, of_zora: APIClient, armchair: Listing) -> None:
    """Something of her in as many tables as a shop can have it in."""
    body = {
        "title": "Quixotic lamp",
        "description": "Call Quixana at 555-0199.",
        "price_cents": 900,
        "currency": "EUR",
        "quantity": 3,
    }
    listing = Listing.objects.get(pk=of_zora.post("/api/listings/", body, format="json").json()["id"])
    form = {"image": upload(picture())}
    assert of_zora.post(f"/api/listings/{listing.pk}/images/", form, format="multipart").status_code == 201
    sold = order_one(listing, buyer_id=bob.pk)
    listing.refresh_from_db()
    Listing.objects.filter(pk=listing.pk).update(title="Quixotic lamp, cheaper", edition=listing.edition + 1)
    key = {"Idempotency-Key": "zora-quick 1"}
    of_zora.post(f"/api/listings/{armchair.pk}/buy/", {}, format="json", headers=key)
    bought = Order.objects.get(buyer=zora)
    created = OutboxMessage.objects.get(payload__order_id=str(sold.pk))
    letter_of("order_created", created.payload)
    for order in (sold, bought):
        settle(order)
        notify(order, "order_completed", order.buyer, order.listing.seller)
        LiveEvent.objects.create(type="item_sold", order_id=order.pk, listing_id=1, payload={})
        leave_refund(order, zora)
        notify(order, "order_refunded", order.buyer, order.listing.seller)
    OutboxMessage.objects.all().delete()  # as the relay does
    letter_of("mail_account", {"to": zora.email}, error=f"refused: {zora.email}")
    letter_of("mail_account", {"mail_id": str(uuid7())}, error=f"no such user: {FORMER}")
    unread(["zora-quick", {"mail": zora.email}])
    for kind, address in (("digest", zora.email), ("address_changed", FORMER)):
        AccountMail.objects.create(request_id=uuid7(), kind=kind, user=zora, address=address)
    endpoint_of(zora, "https://zora.quick.example/sold")
    store_created(sold)
    leave_log_ins(zora)
    leave_staff_actions(zora, sold, bought)


def letter_of(contract: str, payload: dict[str, Any], error: str = "of zora@quick.example: Quixotic") -> None:
    store.dead_letter(contract=contract, payload=payload, error=ValueError(error), attempts=3)


def unread(payload: object, task: str = "") -> None:
    headers = {"task": task, "argsrepr": repr(payload)}
    body = kombu_json.dumps([[[payload]], {}, {}]).encode()  # as stock clients write it
    store.dead_letter_unread(body, {"application_headers": headers})


def notify(order: Order, kind: str, *people: User) -> None:
    text = f"1 × {order.item.title} for 9.00 EUR" + (": Zora wants it." if kind == "order_refunded" else ".")
    for role, recipient in zip(("buyer", "seller"), people, strict=True):
        Notification.objects.create(
            recipient=recipient, event_id=uuid7(), kind=kind, role=role, order=order, text=text
        )


def leave_refund(order: Order, by: User) -> None:
    refund = Refund.objects.create(
        order=order, requested_by=by, amount_cents=1, fee_cents=0, status="refunded", reason="Zora wants it."
    )
    requested = to_wire(refund_requested(refund))
    letter_of("refund_requested", requested)
    unreadable = requested | {"amount_cents": "one"}
    for order_id in (str(order.pk), order.pk):
        unread(unreadable | {"order_id": order_id}, task="transactions.refund_requested")


def leave_log_ins(zora: User) -> None:
    for password in (PASSWORD, "wrong"):
        Client().post("/account/log-in/", {"username": "zora-quick", "password": password})
    for name in ("Zora-Quick", "zora-quick", "zora@quick.example", "Quixana"):
        for door in ("/account/log-in/", "/admin/login/"):
            Client().post(door, {"username": name, "password": "wrong"})
    recorded = StaffAction.objects.order_by("id").values_list("by", flat=True)
    assert list(recorded) == ["(unknown name)", f"user {zora.pk}", "(unknown name)", "(unknown name)"]
    record("failed to log in", by="zora-quick")  # as former releases wrote it


def leave_staff_actions(zora: User, sold: Order, bought: Order) -> None:
    for target in (zora, sold.listing, sold, bought):
        record("withdrew", by="carol", target=f"{target._meta.verbose_name} {target.pk}", reason="Zora!")
    CustomerNote.objects.create(user=zora, by="carol", text="Zora called.")
    for listing, reporter in ((sold.listing, sold.buyer), (bought.listing, zora)):
        Report.objects.create(listing=listing, reporter=reporter, reason="other", text="Zora knows.")
    record("renamed", by="migrate (command line)", target="user zora-quick", reason="like Zora")
    LogEntry.objects.log_actions(User.objects.create_user("carol").pk, [zora, sold.listing], 2)


def settle(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(
        status="completed", transaction_id=uuid7(), fee_cents=5, total_cents=order.unit_price_cents + 5
    )


def forget(person: User) -> None:
    """As the processes do it, by the rights that they have."""
    request_deletion(person.pk)
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {APP}")
        assert carry_on(person.pk, SOON) == 1
        cursor.execute("RESET ROLE")


def test_nothing_of_the_person_is_left_in_any_column_of_any_table(
    zora: User, bob: User, of_zora: APIClient, armchair: Listing, media: Path
) -> None:
    leave_traces(zora, bob, of_zora, armchair)
    assert find_traces(*WORDS) >= {
        *(
            "auth_user.username",
            "listings_listing.title",
            "listings_refund.reason",
            "listings_profile.verified_email",
        ),
        *("listings_notification.text", "listings_report.text", "listings_customernote.text"),
        *("staff_staffaction.by", "staff_staffaction.reason"),  # by a former release
        *("staff_staffaction.target", "django_admin_log.object_repr", "messaging_deadletter.raw_body"),
        *("messaging_deadletter.headers", "messaging_deadletter.error", "listings_accountmail.address"),
    }
    before = list(Order.objects.order_by("id").values("id", "status", "total_cents", "transaction_id"))
    actions = StaffAction.objects.count()

    forget(zora)

    assert find_traces(*WORDS) == set()
    assert not [file for file in media.rglob("*") if file.is_file()]
    assert not ListingImage.objects.exists()
    # The books stay, and what staff did.
    assert list(Order.objects.order_by("id").values(*before[0])) == before
    assert StaffAction.objects.count() == actions
    assert not StaffAction.objects.filter(by=f"user {zora.pk}").exists()
    [told] = OutboxMessage.objects.all()
    assert (told.contract, told.payload["account_id"]) == ("account_deleted", zora.pk)
    assert DeadLetter.objects.filter(contract="order_created").exists()  # without her texts
    assert text(Client().get(f"/listings/{armchair.pk}/"))


@pytest.mark.parametrize("door", ["/account/log-in/", "/admin/login/", "/api/auth/token/"])
@pytest.mark.parametrize("typed", ["zora@quick.example", "Zora-Quick ", "zora quick's password"])
def test_what_is_typed_as_a_name_is_stored_nowhere(zora: User, door: str, typed: str) -> None:
    before = find_traces("zora")
    Client().post(
        door, {"username": typed, "password": "wrong"}, content_type=JSON if "api" in door else FORM
    )
    assert FailedLogin.objects.count() == 1
    assert find_traces("zora") == before


@pytest.mark.parametrize("name", ["EUR", "order_created", "armchair", "null"])
def test_a_name_that_is_a_word_of_others_messages_costs_them_nothing(
    make_user: Callable[..., User], bob: User, armchair: Listing, name: str
) -> None:
    hostile = make_user(name, email="a@quick.example")
    order = order_one(armchair, buyer_id=bob.pk)
    waiting = list(OutboxMessage.objects.values("contract", "payload"))
    letter_of("order_created", waiting[0]["payload"], error="EUR: order_created")
    unread(waiting[0]["payload"], task="transactions.order_created")
    letters = list(DeadLetter.objects.order_by("pk").values("payload", "raw_body", "contract", "headers"))
    letter_of("foreign", {"text": f"of {name}", "nothing": None})
    forget(hostile)
    assert (
        list(OutboxMessage.objects.exclude(contract="account_deleted").values("contract", "payload"))
        == waiting
    )
    kept = DeadLetter.objects.exclude(contract="foreign").order_by("pk")
    assert list(kept.values("payload", "raw_body", "contract", "headers")) == letters
    assert DeadLetter.objects.get(contract="foreign").payload == {"text": "of (deleted)", "nothing": None}
    assert Order.objects.get(pk=order.pk).status == "pending"


@pytest.mark.parametrize("body", UNREADABLE)
def test_a_letter_that_nobody_can_read_keeps_nobody_from_leaving(zora: User, body: bytes) -> None:
    store.dead_letter_unread(
        body, {"application_headers": {"task": "listings.item_sold", "of": "zora-quick"}}
    )
    forget(zora)
    assert bytes(DeadLetter.objects.get().raw_body or b"") == body
    assert find_traces("zora") == set()


def test_an_address_that_was_never_verified_costs_its_owner_nothing(
    make_user: Callable[..., User], bob: User
) -> None:
    """Somebody gives bob's address for an account and deletes that, to have bob's bound of an hour anew."""
    User.objects.filter(pk=bob.pk).update(email="bob@shop.example")
    mail = AccountMail.objects.create(request_id=uuid7(), kind="digest", user=bob, address="bob@shop.example")
    hourly_bound.note_sent("bob@shop.example")
    forget(make_user("mallory", email="bob@shop.example"))
    assert AccountMail.objects.filter(pk=mail.pk).exists()
    assert hourly_bound.count_sent("Bob@shop.example") == 1


def test_the_notification_of_a_checkout_names_no_listing_of_hers(
    bob: User, armchair: Listing, zora: User
) -> None:
    lamp = Listing.objects.create(
        seller=zora, title="Quixotic lamp", price_cents=900, currency="EUR", available=1
    )
    orders = [order_one(listing, buyer_id=bob.pk) for listing in (armchair, lamp)]
    for order in orders:
        settle(order)
    Order.objects.update(checkout_id=uuid7())
    Notification.objects.create(
        recipient=bob,
        event_id=uuid7(),
        kind="checkout_settled",
        role="buyer",
        order=orders[0],
        text="You bought 1 × Quixotic lamp and 1 other item.",
    )
    OutboxMessage.objects.all().delete()
    forget(zora)
    assert find_traces("quixotic") == set()


def test_messages_that_were_under_way_leave_nothing(zora: User, bob: User, of_zora: APIClient) -> None:
    body = {"title": "Quixotic lamp", "description": "", "price_cents": 900, "currency": "EUR"}
    listing = Listing.objects.get(pk=of_zora.post("/api/listings/", body, format="json").json()["id"])
    sold = order_one(listing, buyer_id=bob.pk)
    settle(sold)
    leave_refund(sold, zora)
    created = OutboxMessage.objects.get(payload__order_id=str(sold.pk)).payload
    OutboxMessage.objects.all().delete()
    forget(zora)
    account_forgotten([ACCOUNT_FORGOTTEN(account_id=zora.pk, trace=new_trace())])
    assert carry_on(zora.pk, SOON) == 0
    # Its copy has waited for the notifications worker, and another was rejected by the broker meanwhile.
    refund = Refund.objects.get(order=sold)
    notifications.refund_completed([refund_fact(refund, reason="Zora wants it.")])
    assert Notification.objects.filter(kind="order_refunded").count() == 2
    assert find_traces("zora") == set()
    letter_of("order_created", created)

    AccountDeletion.objects.update(scrubbed_at=F("scrubbed_at") - LATE)
    assert [carry_on(zora.pk, SOON), carry_on(zora.pk, SOON)] == [1, 0]
    assert find_traces(*WORDS) == set()
    last = OutboxMessage.objects.latest("pk")
    assert (last.contract, last.payload["account_id"]) == ("account_deleted", zora.pk)
    # No column says which number had which name.
    assert AccountDeletion.objects.get().name_hash == ""


def refund_fact(refund: Refund, *, reason: str) -> RefundCompleted:
    return REFUND_COMPLETED(
        refund_id=refund.pk,
        order_id=refund.order_id,
        listing_id=refund.order.listing_id,
        transaction_id=uuid7(),
        amount_cents=1,
        fee_cents=0,
        currency="EUR",
        buyer_id=refund.order.buyer_id,
        seller_id=refund.order.listing.seller_id,
        total_cents=905,
        reason=reason,
        trace=new_trace(),
    )


@pytest.mark.parametrize("role", [READER, "microstore_notifications"])
def test_others_than_the_services_scrub_nothing(zora: User, role: str) -> None:
    request_deletion(zora.pk)
    for call in (f"scrub_staff_reasons({zora.pk})", "scrub_log_ins('')"):
        with acting_as(role), connection.cursor() as cursor, pytest.raises(ProgrammingError, match="denied"):
            cursor.execute(f"SELECT {call}")


def test_reasons_of_staff_are_emptied_for_a_deletion_alone(zora: User) -> None:
    with (
        acting_as(APP),
        connection.cursor() as cursor,
        pytest.raises(ProgrammingError, match="not requested"),
    ):
        cursor.execute("SELECT scrub_staff_reasons(%s)", [zora.pk])
