"""Sending payouts to the sandbox: whatever it answers and whenever we die, each is paid once."""

import json

import pytest
from pytest_django import Settings

from microstore.auth.sealing import public_half
from stack.processes.keys import make_bank_details_keys
from stack.sandbox_bank import SandboxBank
from tests.support.messages import CURRENCIES
from tests.support.threads import run_at_once
from tests.transactions.payees import (
    PRIVATE_KEY,
    balances,
    bank,
    give_account,
    journals,
    overdue_for_look_up,
    payees,
    prepare,
    sell,
)
from transactions.payouts import provider, sending
from transactions.payouts.admin import is_decidable
from transactions.payouts.details import open_details, seal_all_anew
from transactions.payouts.models import BankAccount, Payout
from transactions.payouts.sending import look_up_payouts, send_payouts
from transactions.payouts.settling import Outcome, settle_payouts

__all__ = ["bank", "payees"]
pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """The process ends here, and nothing after this line happens."""


def die(*_: object, **__: object) -> None:
    raise Killed


def statuses() -> list[str]:
    return list(Payout.objects.order_by("id").values_list("status", flat=True))


def prepare_one(currency: str = "EUR", holder: str = "Alice Example") -> Payout:
    sell(currency=currency)
    give_account(holder=holder)
    assert prepare() == 1
    return Payout.objects.get()


def look_up() -> int:
    overdue_for_look_up()
    return sum(look_up_payouts())


def assert_paid_once(bank: SandboxBank, payout: Payout) -> None:
    payout.refresh_from_db()
    assert payout.status == "paid"
    assert bank.payments == {str(payout.pk): 1}
    assert journals(payout) == ["payout", "paid"]
    assert balances(payout.currency) == {"bank": -payout.amount_cents}
    assert look_up() == sum(send_payouts()) == 0


@pytest.mark.parametrize("currency", CURRENCIES)
def test_a_payout_is_sent_and_paid(bank: SandboxBank, currency: str) -> None:
    payout = prepare_one(currency)
    assert list(send_payouts()) == [1]
    assert_paid_once(bank, payout)
    assert payout.reference == f"SB-{str(payout.pk)[:8]}"
    asked = bank.payouts[str(payout.pk)]["asked"]
    assert (asked["amount_cents"], asked["currency"]) == (5_000, currency)
    assert asked["iban"] == "DE89370400440532013000"


@pytest.mark.parametrize("currency", CURRENCIES)
@pytest.mark.parametrize("fault", ["no_work", "no_answer", "wrong_amount", "late"])
def test_a_lost_or_wrong_answer_makes_it_unknown_until_it_is_looked_up(
    bank: SandboxBank, settings: Settings, fault: str, currency: str
) -> None:
    settings.PAYOUTS_TIMEOUT_SECONDS = (2.0, 0.3)
    bank.late_seconds = 1.0
    payout = prepare_one(currency)
    bank.faults.append(fault)
    list(send_payouts())
    payout.refresh_from_db()
    assert payout.status == "unknown"
    assert payout.reason
    assert balances(currency) == {"in_transit": -5_000}
    settings.PAYOUTS_TIMEOUT_SECONDS = (2.0, 5.0)
    assert prepare() == sum(send_payouts()) == 0
    assert look_up() == 1
    assert_paid_once(bank, payout)


@pytest.mark.parametrize("currency", CURRENCIES)
def test_what_is_prepared_to_an_account_that_was_replaced_meanwhile_goes_to_the_present_one(
    bank: SandboxBank, currency: str
) -> None:
    prepared = prepare_one(currency)
    BankAccount.objects.update(replaced_at=prepared.created_at)
    assert sum(send_payouts()) == 0
    assert journals(prepared) == ["payout", "failed"]
    give_account(holder="Alice At Home")
    assert prepare() == sum(send_payouts()) == 1
    paid = Payout.objects.latest("pk")
    assert_paid_once(bank, paid)
    assert bank.payouts[str(paid.pk)]["asked"]["holder"] == "Alice At Home"


@pytest.mark.parametrize("currency", CURRENCIES)
def test_an_answer_that_comes_twice_counts_once(bank: SandboxBank, currency: str) -> None:
    payout = prepare_one(currency)
    bank.faults.append("twice")
    list(send_payouts())
    assert_paid_once(bank, payout)


@pytest.mark.parametrize("currency", CURRENCIES)
def test_what_is_pending_is_looked_up_until_it_is_paid(bank: SandboxBank, currency: str) -> None:
    payout = prepare_one(currency)
    bank.faults.append("pending")
    list(send_payouts())
    for _ in range(2):
        assert look_up() == 1
        assert statuses() == ["sent"]
    bank.finish()
    look_up()
    assert_paid_once(bank, payout)


@pytest.mark.parametrize("currency", CURRENCIES)
def test_a_closed_account_takes_nothing_and_the_seller_has_it_again(bank: SandboxBank, currency: str) -> None:
    payout = prepare_one(currency, holder="Closed Account")
    list(send_payouts())
    payout.refresh_from_db()
    assert (payout.status, payout.reason) == ("failed", "The account is closed.")
    assert balances(currency) == {"payable": -5_000}
    assert not bank.payments


@pytest.mark.parametrize("seam", ["before it is sent", "before the answer is stored", "after it is stored"])
def test_a_process_that_dies_at_a_seam_leaves_one_payment(
    bank: SandboxBank, monkeypatch: pytest.MonkeyPatch, seam: str
) -> None:
    payout = prepare_one()
    with monkeypatch.context() as killing:
        if seam == "before it is sent":
            killing.setattr(provider, "send", die)
        elif seam == "before the answer is stored":
            killing.setattr(sending, "settle_payouts", die)
        else:
            killing.setattr(sending, "settle_payouts", lambda outcomes: die(settle_payouts(outcomes)))
        with pytest.raises(Killed):
            list(send_payouts())
    assert statuses() == ["paid" if seam.startswith("after") else "sent"]
    assert sum(send_payouts()) == 0  # not under another id, and not before it was looked up
    look_up()
    assert_paid_once(bank, payout)


def fail_by_hand(payout: Payout) -> list[Payout]:
    return settle_payouts({payout.pk: Outcome(Payout.Status.FAILED, "by carol")}, where=is_decidable)


@pytest.mark.parametrize(("during", "sent"), [("look_up", 0), ("send", 1)])
def test_what_finance_fails_while_it_is_looked_up_is_not_sent_again_nor_failed_while_it_is(
    bank: SandboxBank, monkeypatch: pytest.MonkeyPatch, during: str, sent: int
) -> None:
    payout = prepare_one()
    bank.faults.append("no_work")
    list(send_payouts())
    assert statuses() == ["unknown"]
    call = getattr(provider, during)
    monkeypatch.setattr(provider, during, lambda *args: (fail_by_hand(payout), call(*args))[1])
    look_up()
    assert len(bank.payouts) == sent
    assert journals(payout) == ["payout", "paid" if sent else "failed"]


def test_a_provider_that_is_gone_holds_up_the_rest_and_loses_nothing(
    bank: SandboxBank, settings: Settings
) -> None:
    for seller in (4, 5, 6):
        sell(seller)
        give_account(seller)
    prepare()
    url, settings.PAYOUTS_URL = bank.url, "http://127.0.0.1:9"
    assert sum(send_payouts()) == 1
    assert statuses() == ["unknown", "prepared", "prepared"]
    settings.PAYOUTS_URL = url
    look_up()
    list(send_payouts())
    assert statuses() == ["paid"] * 3
    assert set(bank.payments.values()) == {1}


def test_a_wrong_key_says_nothing_of_the_payout(bank: SandboxBank, settings: Settings) -> None:
    payout = prepare_one()
    settings.PAYOUTS_SIGNING_KEY = "another"
    list(send_payouts())
    assert statuses() == ["unknown"]
    look_up()
    assert statuses() == ["unknown"]
    settings.PAYOUTS_SIGNING_KEY = bank.key.decode()
    look_up()
    assert_paid_once(bank, payout)


def test_the_same_id_with_another_body_is_refused_by_the_sandbox(bank: SandboxBank) -> None:
    payout = prepare_one()
    list(send_payouts())
    Payout.objects.filter(pk=payout.pk).update(status="unknown", settled_at=None, amount_cents=1)
    payout.refresh_from_db()
    outcome = provider.send(payout, open_details(payout.bank_account))
    assert (outcome.status, outcome.reason[:25]) == ("unknown", "The provider answered 422")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{}",
        b"[1]",
        b"\xff\xfe",
        b"x" * 2_000_000,
        json.dumps({"id": "not an id", "status": "paid", "amount_cents": 5_000, "currency": "EUR"}).encode(),
    ],
    ids=["empty", "no fields", "list", "no text", "endless", "no id"],
)
def test_what_is_no_answer_settles_nothing(
    bank: SandboxBank, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    from stack import sandbox_bank

    def write(call: sandbox_bank.Call, *_: object) -> None:
        call.send_response(200)
        call.send_header("Content-Length", str(len(answer)))
        call.end_headers()
        try:
            call.wfile.write(answer)
        except OSError:
            call.close_connection = True

    payout = prepare_one()
    with monkeypatch.context() as broken:
        broken.setattr(sandbox_bank.Call, "answer", write)
        list(send_payouts())
        assert statuses() == ["unknown"]
        look_up()
        assert statuses() == ["unknown"]
    look_up()
    assert_paid_once(bank, payout)


@pytest.mark.parametrize("currency", CURRENCIES)
@pytest.mark.django_db(transaction=True)
def test_processes_at_once_send_each_payout_once(bank: SandboxBank, currency: str) -> None:
    for seller in range(10, 25):
        sell(seller, currency=currency)
        give_account(seller)
    prepare()
    assert sum(run_at_once(4, lambda _: sum(send_payouts()))) == 15
    assert statuses() == ["paid"] * 15
    assert set(bank.payments.values()) == {1}
    assert balances(currency) == {"bank": -75_000}


def test_details_of_another_seller_do_not_open(bank: SandboxBank) -> None:
    payout = prepare_one()
    theirs = give_account(9, holder="Mallory")
    BankAccount.objects.filter(pk=payout.bank_account_id).update(sealed=theirs.sealed)
    assert sum(send_payouts()) == 0
    assert statuses() == ["prepared"]
    assert not bank.payouts


def test_the_key_of_bank_details_is_exchanged(bank: SandboxBank, settings: Settings) -> None:
    payout = prepare_one()
    give_account(9, sealed="AAAA")  # which no key opens, and which keeps nobody else's from being exchanged
    new = make_bank_details_keys()["BANK_DETAILS_PRIVATE_KEYS"]
    settings.BANK_DETAILS_PRIVATE_KEYS = [new, PRIVATE_KEY]
    assert sum(seal_all_anew()) == 1
    settings.BANK_DETAILS_PRIVATE_KEYS = [new]
    assert public_half(new) != public_half(PRIVATE_KEY)
    list(send_payouts())
    assert_paid_once(bank, payout)
