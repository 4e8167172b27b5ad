"""A seller's bank account: given with the password, sealed at once, shown masked, and told by e-mail."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from listings.accounts.models import AccountEvent, BankAccount
from listings.models import Profile
from listings.settling.reconcile import resend_overdue
from listings.tasks import bank_account_recorded
from microstore.auth.sealing import CannotOpen, open_sealed
from microstore.contracts.accounts import BANK_ACCOUNT_CHANGED, BANK_ACCOUNT_RECORDED
from microstore.messaging.models import DeadLetter, OutboxMessage
from microstore.telemetry.tracing import new_trace
from tests.listings.account_mails import deliver_account_mails
from tests.support.pages import text
from tests.support.problem import read_problem

pytestmark = pytest.mark.django_db

PASSWORD, PATH = "a lighthouse in fog", "/api/auth/me/bank-account/"
IBAN = "DE89370400440532013000"
ACCOUNT = {"holder": "Carol Example", "iban": "de89 3704 0044 0532 0130 00", "password": PASSWORD}
PRIVATE_KEY = base64.b64encode(bytes(range(32))).decode()
OTHER_KEY = base64.b64encode(bytes(32)).decode()


@pytest.fixture
def carol(make_user: Callable[..., User]) -> User:
    """Her address is verified."""
    user = make_user("carol", password=PASSWORD, email="carol@shop.example")
    Profile.objects.create(user=user, verified_email=user.email)
    return user


@pytest.fixture
def api(carol: User, client_of: Callable[[User], APIClient]) -> APIClient:
    return client_of(carol)


def put(api: APIClient, **changed: str) -> Any:
    return api.put(PATH, ACCOUNT | changed, format="json")


def sent() -> list[Any]:
    rows = OutboxMessage.objects.filter(contract=BANK_ACCOUNT_CHANGED.name).order_by("pk")
    return [BANK_ACCOUNT_CHANGED.parse(row.payload) for row in rows]


def give(api: APIClient, client: Client, carol: User, door: str) -> None:
    if door == "api":
        assert put(api).status_code == 202
    else:
        client.force_login(carol)
        assert client.post("/account/bank-account/", ACCOUNT).status_code == 302


@pytest.mark.parametrize("door", ["api", "page"])
def test_it_is_sealed_sent_and_told_by_e_mail(api: APIClient, client: Client, carol: User, door: str) -> None:
    give(api, client, carol, door)
    [message] = sent()
    assert (message.seller_id, message.masked) == (carol.pk, "DE•• •••• 3000")
    opened = open_sealed(
        message.sealed, [OTHER_KEY, PRIVATE_KEY], purpose=f"bank account of seller {carol.pk}"
    )
    assert json.loads(opened) == {"holder": "Carol Example", "iban": IBAN}
    [mail] = deliver_account_mails()
    assert (mail.to, mail.subject) == (["carol@shop.example"], "Your bank account for payouts was changed")
    assert "3000" not in mail.body
    assert AccountEvent.objects.filter(user=carol, kind="bank_account_changed").exists()


def test_it_opens_for_no_other_seller_and_with_no_other_key(api: APIClient, carol: User) -> None:
    put(api)
    [message] = sent()
    for keys, seller in (([PRIVATE_KEY], carol.pk + 1), ([OTHER_KEY], carol.pk)):
        with pytest.raises(CannotOpen):
            open_sealed(message.sealed, keys, purpose=f"bank account of seller {seller}")


def test_it_is_shown_masked_alone(api: APIClient, client: Client, carol: User, settings: Settings) -> None:
    settings.BANK_DETAILS_WAIT_DAYS = 3
    assert api.get(PATH).status_code == 404
    shown = put(api).json()
    assert shown == api.get(PATH).json()
    assert shown.keys() == {"masked", "changed_at", "usable_at"}
    assert shown["masked"] == "DE•• •••• 3000"
    account = BankAccount.objects.get()
    assert shown["usable_at"][:10] == (account.created_at + timedelta(days=3)).date().isoformat()
    client.force_login(carol)
    page = text(client.get("/account/payouts/"))
    assert "DE•• •••• 3000" in page
    assert IBAN not in page


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"iban": "DE89370400440532013001"}, "iban"),
        ({"iban": "XX00"}, "iban"),
        ({"iban": "DE\u0668\u0669370400440532013000"}, "iban"),
        ({"iban": "GB\u06682WEST12345698765432"}, "iban"),
        ({"iban": ""}, "iban"),
        ({"holder": "\u674e\u5c0f\u9f8d"}, "holder"),
        ({"holder": "Carol\nExample"}, "holder"),
        ({"holder": "x" * 71}, "holder"),
        ({"bic": "COBADEFF"}, "bic"),
    ],
)
def test_what_is_no_bank_account_is_refused_with_its_field(
    api: APIClient, changed: dict[str, str], field: str
) -> None:
    response = put(api, **changed)
    assert response.status_code == 400
    assert field in response.content.decode()
    assert not BankAccount.objects.exists()


def test_a_wrong_password_changes_nothing(api: APIClient, client: Client, carol: User) -> None:
    assert read_problem(put(api, password="wrong"), 403)["type"].endswith("wrong-password")
    client.force_login(carol)
    page = client.post("/account/bank-account/", ACCOUNT | {"password": "wrong"})
    assert "This is not your current password." in text(page, 403)
    assert not BankAccount.objects.exists()
    assert not sent()


def test_without_a_verified_address_nobody_could_be_told(api: APIClient, carol: User) -> None:
    Profile.objects.filter(user=carol).update(verified_email="")
    assert read_problem(put(api), 403)["type"].endswith("address-not-verified")
    assert not BankAccount.objects.exists()


def test_without_a_key_the_shop_takes_none(
    api: APIClient, client: Client, carol: User, settings: Settings
) -> None:
    settings.BANK_DETAILS_PUBLIC_KEY = ""
    assert read_problem(put(api), 409)["type"].endswith("payouts-closed")
    client.force_login(carol)
    assert 'name="iban"' not in client.get("/account/payouts/").content.decode()


def test_it_is_sent_again_until_it_is_recorded(api: APIClient, carol: User) -> None:
    put(api)
    [first] = sent()
    BankAccount.objects.update(created_at="2026-01-01T00:00Z")
    assert sum(resend_overdue(timedelta(minutes=2))) == 1
    assert [message.bank_account_id for message in sent()] == [first.bank_account_id] * 2
    reply = BANK_ACCOUNT_RECORDED(
        bank_account_id=first.bank_account_id, seller_id=carol.pk, trace=new_trace()
    )
    bank_account_recorded([reply.model_copy(update={"seller_id": carol.pk + 1})])
    assert DeadLetter.objects.get().cause == "Contradiction: it is another seller's"
    assert BankAccount.objects.get().sealed
    bank_account_recorded([reply])
    account = BankAccount.objects.get()
    assert account.recorded_at
    assert account.sealed == ""
    BankAccount.objects.update(resent_at=None)
    assert sum(resend_overdue(timedelta(minutes=2))) == 0
