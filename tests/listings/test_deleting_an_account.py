"""Deleting an account: no trace of the person is left, and orders settle first."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.test import Client
from rest_framework.test import APIClient
from uuid_utils.compat import uuid7

from listings.accounts import deletion, scrubbing
from listings.accounts.deletion import carry_on, request_deletion
from listings.accounts.models import AccountDeletion, Session
from listings.models import Listing, Order
from listings.tasks import account_forgotten, order_voided
from microstore.auth.names import ensure_unlike_others
from microstore.contracts.accounts import ACCOUNT_FORGOTTEN
from microstore.contracts.contract import to_wire
from microstore.contracts.listings import ORDER_VOIDED
from microstore.messaging.models import OutboxMessage
from microstore.staff.models import StaffAction
from microstore.telemetry.tracing import new_trace
from tests.listings.purchases import order_one
from tests.support.pages import address, text
from tests.support.problem import read_problem
from tests.support.roles import client_as
from tests.support.threads import run_at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

PASSWORD = "a lighthouse in fog"
SOON, NOW = timedelta(minutes=2), timedelta(0)


@pytest.fixture
def zora(make_user: Callable[..., User]) -> User:
    """She sells, buys, and wants to be forgotten."""
    return make_user("zora-quick", email="zora@quick.example", first_name="Zora", password=PASSWORD)


@pytest.fixture
def of_zora(zora: User, client_of: Callable[[User], APIClient]) -> APIClient:
    return client_of(zora)


def settle(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(
        status="completed", transaction_id=uuid7(), fee_cents=5, total_cents=order.unit_price_cents + 5
    )


def void(order_id: Any) -> None:
    order = Order.objects.get(pk=order_id)
    message = ORDER_VOIDED(
        order_id=order.pk, listing_id=order.listing_id, transaction_id=uuid7(), trace=order.trace
    )
    order_voided([message])


def publish_all() -> None:
    """As the relay does."""
    OutboxMessage.objects.all().delete()


def test_nobody_logs_in_buys_or_sees_her_listings_from_the_request_on(
    zora: User, of_zora: APIClient, armchair: Listing, anybody: APIClient
) -> None:
    body = {"title": "Quixotic lamp", "description": "", "price_cents": 900, "currency": "EUR"}
    listing = of_zora.post("/api/listings/", body, format="json").json()["id"]
    Session.objects.create(user=zora, jti="x", expires_at=Now() + timedelta(days=1))
    request_deletion(zora.pk)
    assert anybody.get(f"/api/listings/{listing}/").status_code == 404
    assert of_zora.post(f"/api/listings/{armchair.pk}/buy/", {}, format="json").status_code in (401, 403)
    assert not Session.objects.filter(user=zora).exists()
    assert not Client().login(username="zora-quick", password=PASSWORD)


def test_a_pending_purchase_is_cancelled_and_the_rest_waits_until_it_is_voided(
    zora: User, of_zora: APIClient, armchair: Listing
) -> None:
    order = of_zora.post(f"/api/listings/{armchair.pk}/buy/", {}, format="json").json()["id"]
    request_deletion(zora.pk)
    armchair.refresh_from_db()
    assert (Order.objects.get(pk=order).status, armchair.available) == ("cancelled", 1)
    publish_all()
    assert carry_on(zora.pk, SOON) == 0
    void(order)
    assert carry_on(zora.pk, SOON) == 1


def test_a_sale_that_is_pending_finishes_first(zora: User, bob: User, of_zora: APIClient) -> None:
    body = {"title": "Quixotic lamp", "description": "", "price_cents": 900, "currency": "EUR"}
    listing = Listing.objects.get(pk=of_zora.post("/api/listings/", body, format="json").json()["id"])
    sold = order_one(listing, buyer_id=bob.pk)
    request_deletion(zora.pk)
    publish_all()
    assert (carry_on(zora.pk, SOON), Order.objects.get(pk=sold.pk).status) == (0, "pending")
    settle(sold)
    assert carry_on(zora.pk, SOON) == 1


def test_it_waits_for_messages_that_the_relay_has_not_published(zora: User, of_zora: APIClient) -> None:
    body = {"title": "Quixotic lamp", "description": "", "price_cents": 900, "currency": "EUR"}
    listing = Listing.objects.get(pk=of_zora.post("/api/listings/", body, format="json").json()["id"])
    settle(order_one(listing, buyer_id=User.objects.create_user("carol").pk))
    request_deletion(zora.pk)
    assert carry_on(zora.pk, SOON) == 0
    publish_all()
    assert carry_on(zora.pk, SOON) == 1


def test_a_crash_in_the_middle_changes_nothing_and_the_next_round_does_it(
    zora: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_deletion(zora.pk)
    with monkeypatch.context() as patch:
        patch.setattr(scrubbing, "_rename", Mock(side_effect=RuntimeError("killed")))
        with pytest.raises(RuntimeError, match="killed"):
            carry_on(zora.pk, SOON)
    assert User.objects.get(pk=zora.pk).username == "zora-quick"
    call_command("reconcile")
    assert User.objects.get(pk=zora.pk).username == f"(deleted {zora.pk})"


def test_it_is_sent_again_until_the_transactions_service_has_replied(zora: User) -> None:
    request_deletion(zora.pk)
    assert [carry_on(zora.pk, SOON), carry_on(zora.pk, SOON), carry_on(zora.pk, NOW)] == [1, 0, 1]
    assert OutboxMessage.objects.filter(contract="account_deleted").count() == 2
    # An account that is owed something gets no reply for days.
    AccountDeletion.objects.update(scrubbed_at=F("scrubbed_at") - deletion.PATIENCE)
    assert carry_on(zora.pk, NOW) == 0
    AccountDeletion.objects.update(sent_at=F("sent_at") - deletion.PATIENCE)
    assert carry_on(zora.pk, NOW) == 1
    reply = ACCOUNT_FORGOTTEN(account_id=zora.pk, trace=new_trace())
    account_forgotten([reply, ACCOUNT_FORGOTTEN.parse(to_wire(reply))])
    first = AccountDeletion.objects.get(user=zora).forgotten_at
    account_forgotten([reply])
    assert first is not None
    assert AccountDeletion.objects.get(user=zora).forgotten_at == first
    assert carry_on(zora.pk, NOW) == 0


def test_rounds_at_the_same_moment_scrub_once(zora: User) -> None:
    request_deletion(zora.pk)
    assert sum(run_at_once(4, lambda _: carry_on(zora.pk, SOON))) == 1
    assert OutboxMessage.objects.filter(contract="account_deleted").count() == 1


@pytest.mark.parametrize(
    "name", ["zora-quick", "ZORA-Quick", "\N{FULLWIDTH LATIN SMALL LETTER Z}ora-quick", "z0ra-quick"]
)
def test_nobody_gets_the_name_again(zora: User, anybody: APIClient, name: str) -> None:
    request_deletion(zora.pk)
    carry_on(zora.pk, SOON)
    body = {"username": name, "email": "else@shop.example", "password": "another lighthouse in fog"}
    read_problem(anybody.post("/api/auth/register/", body, format="json"), 400)
    with pytest.raises(ValidationError):
        ensure_unlike_others(name)
    with pytest.raises(IntegrityError, match="deleted account"), transaction.atomic():
        User.objects.create(username=name)


def test_the_password_is_needed_and_guesses_are_limited(zora: User, of_zora: APIClient) -> None:
    statuses = [
        of_zora.post("/api/auth/me/delete/", {"password": "a guess"}, format="json").status_code
        for _ in range(6)
    ]
    assert statuses == [403] * 5 + [429]
    assert not AccountDeletion.objects.exists()


def test_the_page_deletes_with_the_password_and_logs_out(zora: User) -> None:
    client = Client()
    client.force_login(zora)
    assert "Delete my account" in text(client.get("/account/data/"))
    assert "not your current password" in text(client.post("/account/delete/", {"password": "a guess"}), 403)
    assert "Your account is deleted" in text(client.post("/account/delete/", {"password": PASSWORD}))
    assert address(client.get("/account/data/")).startswith("/account/log-in/")


def test_staff_delete_an_account_with_a_reason_and_none_of_staff(zora: User) -> None:
    client = client_as("admin")
    staff = User.objects.get(username="one-of-admin")
    choice = {"action": "delete_account", "_selected_action": [zora.pk, staff.pk]}
    assert "Why" in text(client.post("/admin/auth/user/", choice))
    assert not AccountDeletion.objects.exists()
    client.post("/admin/auth/user/", choice | {"reason": "she wrote to us"})
    assert list(AccountDeletion.objects.values_list("user_id", flat=True)) == [zora.pk]
    action = StaffAction.objects.get(action="deleted an account")
    assert (action.target, action.reason) == (f"user {zora.pk}", "she wrote to us")


def test_no_other_page_of_the_admin_deletes_a_shopper(zora: User) -> None:
    """Their name would be free for the next one, and the transactions service would forget nothing."""
    client = client_as("admin")
    other = User.objects.create_user("other-staff", is_staff=True)
    answers = [
        client.post(f"/admin/auth/user/{zora.pk}/delete/", {"post": "yes"}),
        client.post(
            "/admin/auth/user/", {"action": "delete_selected", "_selected_action": zora.pk, "post": "yes"}
        ),
        client.post(f"/admin/auth/user/{other.pk}/delete/", {"post": "yes"}),
    ]
    assert [answer.status_code for answer in answers] == [403, 403, 302]
    assert list(User.objects.filter(pk__in=[zora.pk, other.pk])) == [zora]


def test_a_purchase_that_was_being_placed_is_cancelled_in_the_next_round(
    zora: User, armchair: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(deletion, "_cancel_purchases", lambda _: None)
        order = order_one(armchair, buyer_id=zora.pk)
        request_deletion(zora.pk)
    assert carry_on(zora.pk, SOON) == 0
    assert Order.objects.get(pk=order.pk).status == "cancelled"
