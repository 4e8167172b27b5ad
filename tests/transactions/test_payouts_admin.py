"""Finance and payouts: found in the admin, and ended by a person only where nobody else knows."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from microstore.staff.models import StaffAction
from tests.support.messages import CURRENCIES
from tests.support.roles import client_as
from tests.support.threads import wait_for_blocked
from tests.transactions.payees import (
    balances,
    check_deferred,
    give_account,
    journals,
    payees,
    prepare,
    sell,
)
from transactions.payouts.models import Payout

__all__ = ["payees"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("payees")]

LIST = "/admin/transactions/payout/"


def payout_in(status: str, *, provider: str = "http", currency: str = "EUR") -> Payout:
    sell(currency=currency)
    give_account()
    prepare()
    sent_at = None if status == "prepared" else timezone.now()
    times = {"sent_at": sent_at, "looked_up_at": sent_at, "settled_at": sent_at if status == "paid" else None}
    Payout.objects.update(status=status, provider=provider, **times)
    return Payout.objects.get()


def decide(client: Client, payout: Payout, action: str, **fields: str) -> str:
    posted = {"action": action, ACTION_CHECKBOX_NAME: str(payout.pk), **fields}
    response = client.post(LIST, posted, follow=True)
    payout.refresh_from_db()
    return response.content.decode()


@pytest.mark.parametrize("currency", CURRENCIES)
@pytest.mark.parametrize(("end", "account"), [("paid", "bank"), ("failed", "payable")])
def test_finance_ends_an_unknown_payout_with_a_reason(end: str, account: str, currency: str) -> None:
    payout, client = payout_in("unknown", currency=currency), client_as("finance")
    asked = decide(client, payout, f"mark_as_{end}")
    assert 'name="reason"' in asked
    assert payout.status == "unknown"
    decide(client, payout, f"mark_as_{end}", reason="The bank has said so")
    assert (payout.status, payout.reason) == (end, "one-of-finance: The bank has said so")
    assert balances(currency) == {account: -5_000}
    action = StaffAction.objects.get(action=f"marked as {end}")
    assert (action.by, action.target) == ("one-of-finance", f"payout {payout.pk}")


@pytest.mark.parametrize("currency", CURRENCIES)
def test_what_the_bank_returns_is_the_sellers_again_once_and_is_paid_out_anew(currency: str) -> None:
    payout, client = payout_in("unknown", currency=currency), client_as("finance")
    decide(client, payout, "mark_as_returned", reason="too early")
    assert payout.status == "unknown"
    decide(client, payout, "mark_as_paid", reason="The bank has said so")
    for _ in range(2):
        decide(client, payout, "mark_as_returned", reason="The account is closed")
    check_deferred()
    assert (payout.status, payout.reason) == ("returned", "one-of-finance: The account is closed")
    assert journals(payout) == ["payout", "paid", "returned"]
    assert balances(currency) == {"payable": -5_000}
    assert StaffAction.objects.filter(action="marked as returned").count() == 1
    assert prepare() == 1
    assert balances(currency) == {"in_transit": -5_000}


@pytest.mark.parametrize("reason", ["on\0paper", "on\r\npaper", "on\u202epaper", "on\ud7ff\u2028paper"])
def test_a_reason_is_one_line_that_can_be_stored(reason: str) -> None:
    payout = payout_in("unknown")
    decide(client_as("finance"), payout, "mark_as_failed", reason=reason)
    assert payout.status == "failed"
    assert re.fullmatch("one-of-finance: on +paper", payout.reason)


@pytest.mark.parametrize(
    ("status", "provider", "action", "possible"),
    [
        ("prepared", "", "mark_as_paid", False),
        ("prepared", "", "mark_as_failed", True),
        ("sent", "http", "mark_as_failed", False),
        ("sent", "file", "mark_as_failed", True),
    ],
)
def test_a_person_decides_only_what_nobody_else_knows(
    status: str, provider: str, action: str, possible: bool
) -> None:
    payout = payout_in(status, provider=provider)
    shown = decide(client_as("finance"), payout, action, reason="because")
    assert (payout.status == "failed") == possible
    assert ("stays so" in shown) == (not possible)


def test_what_has_ended_meanwhile_stays_as_it_is() -> None:
    payout, client = payout_in("unknown"), client_as("finance")
    decide(client, payout, "mark_as_failed", reason="never arrived")
    decide(client, payout, "mark_as_paid", reason="or did it")
    assert payout.status == "failed"
    assert balances() == {"payable": -5_000}


@pytest.mark.django_db(transaction=True)
def test_what_is_sent_at_this_moment_is_not_taken_back() -> None:
    """Failed, it would be the seller's again and paid a second time."""
    payout, client = payout_in("prepared"), client_as("finance")
    with ThreadPoolExecutor(1) as threads:
        with transaction.atomic():
            sent = Payout.objects.select_for_update(no_key=True).get()
            sent.status, sent.provider, sent.sent_at = "sent", "http", timezone.now()
            sent.save()
            deciding = threads.submit(decide_and_close, client, payout)
            wait_for_blocked(1)
        shown = deciding.result(60)
    payout.refresh_from_db()
    assert payout.status == "sent"
    assert f"{payout.pk} is sent and stays so." in shown
    assert balances() == {"in_transit": -5_000}
    assert not StaffAction.objects.filter(target=f"payout {payout.pk}").exists()


def decide_and_close(client: Client, payout: Payout) -> str:
    try:
        return decide(client, payout, "mark_as_failed", reason="because")
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("status", "provider", "offered"),
    [
        ("prepared", "", {"mark_as_failed"}),
        ("sent", "http", {"look_up"}),
        ("unknown", "http", {"look_up", "mark_as_paid", "mark_as_failed"}),
        ("paid", "http", {"mark_as_returned"}),
    ],
)
def test_the_page_of_a_payout_offers_what_can_be_decided(
    status: str, provider: str, offered: set[str]
) -> None:
    payout, client = payout_in(status, provider=provider), client_as("finance")
    page = client.get(f"{LIST}{payout.pk}/change/").content.decode()
    assert set(re.findall('name="action" value="([a-z_]+)"', page)) == offered


@pytest.mark.parametrize(("currency", "shown"), [("EUR", "50.00"), ("JPY", "5,000"), ("KWD", "5.000")])
def test_a_payout_is_decided_on_its_page_where_money_is_an_amount(currency: str, shown: str) -> None:
    payout, client = payout_in("unknown", currency=currency), client_as("finance")
    page = f"{LIST}{payout.pk}/change/"
    posted = {"action": "mark_as_failed", ACTION_CHECKBOX_NAME: str(payout.pk)}
    asked = client.post(page, posted).content.decode()
    assert "Mark as failed: 1 payout" in asked
    assert f"{shown} {currency} to seller 4 (unknown)" in asked
    client.post(page, posted | {"reason": "The account is closed"})
    payout.refresh_from_db()
    assert payout.status == "failed"


def test_the_front_page_counts_payouts_that_need_a_person_and_leads_to_them() -> None:
    payout, client = payout_in("unknown"), client_as("finance")
    for status, label in (("unknown", "payouts unknown"), ("failed", "payouts failed this week")):
        cache.clear()
        [figure] = [each for each in client.get("/admin/").context["figures"] if each.label == label]
        assert (figure.value, figure.alarm) == ("1", status == "unknown")
        assert str(payout.pk) in client.get(figure.url).content.decode()
        decide(client, payout, "mark_as_failed", reason="never arrived")


def test_support_decides_nothing() -> None:
    payout = payout_in("unknown")
    decide(client_as("support"), payout, "mark_as_failed", reason="please")
    assert payout.status == "unknown"


def test_an_unknown_payout_is_looked_up_in_the_next_round() -> None:
    payout = payout_in("unknown")
    Payout.objects.update(sent_at=payout.created_at)
    decide(client_as("finance"), payout, "look_up")
    assert payout.looked_up_at == payout.sent_at


def test_a_payout_is_found_by_its_seller_and_its_id() -> None:
    payout, client = payout_in("unknown"), client_as("finance")
    for term in ("4", str(payout.pk), payout.pk.hex):
        assert str(payout.pk) in client.get(LIST, {"q": term}).content.decode()
    for term in ("5", "9" * 40, "\u0664", "armchair"):
        assert str(payout.pk) not in client.get(LIST, {"q": term}).content.decode()


def test_staff_see_no_bank_details() -> None:
    account = give_account()
    for path in ("", f"{account.pk}/change/"):
        page = client_as("admin" if path else "finance").get(f"/admin/transactions/bankaccount/{path}")
        assert "3000" in page.content.decode()
        assert account.sealed not in page.content.decode()
