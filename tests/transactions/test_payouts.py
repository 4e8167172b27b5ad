"""Payouts: available income is claimed once, below no minimum, netted with what is owed back."""

from datetime import timedelta
from uuid import uuid5

import pytest
from django.db import Error, connection, transaction
from django.utils import timezone
from pytest_django import Settings
from uuid_utils.compat import uuid7

from microstore.messaging.models import OutboxMessage
from tests.microstore.test_rights import APP, acting_as
from tests.support.messages import CURRENCIES, refund_requested
from tests.support.threads import run_at_once
from tests.transactions.payees import (
    balances,
    give_account,
    journals,
    payees,
    prepare,
    sell,
)
from transactions import tasks
from transactions.ledger.models import Entry, Journal
from transactions.models import Transaction
from transactions.payouts.models import Payout, StatementLine
from transactions.payouts.preparing import prepare_payouts
from transactions.payouts.settling import Outcome, settle_payouts

__all__ = ["payees"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("payees")]

PAID, FAILED, UNKNOWN = Payout.Status.PAID, Payout.Status.FAILED, Payout.Status.UNKNOWN


def send_all() -> None:
    Payout.objects.filter(status="prepared").update(status="sent", sent_at=timezone.now())


def facts_sent() -> list[tuple[str, str]]:
    """The names of the facts that wait for the relay, each with its payout."""
    sent = OutboxMessage.objects.order_by("created_at", "id").values_list("contract", "payload__payout_id")
    return list(sent)


def settle(payout: Payout, status: Payout.Status) -> None:
    settle_payouts({payout.pk: Outcome(status)})


@pytest.mark.parametrize("currency", CURRENCIES)
def test_what_is_available_is_paid_out_in_one_sum(currency: str) -> None:
    for cents in (5_000, 1_001):
        sell(cents=cents, currency=currency)
    give_account()
    assert prepare() == 1
    payout = Payout.objects.get()
    assert (payout.seller_id, payout.currency, payout.amount_cents) == (4, currency, 6_001)
    assert balances(currency) == {"in_transit": -6_001}
    send_all()
    settle(payout, PAID)
    assert balances(currency) == {"bank": -6_001}
    assert journals(payout) == ["payout", "paid"]
    assert prepare() == 0


@pytest.mark.parametrize("currency", CURRENCIES)
def test_what_has_failed_is_the_sellers_again(currency: str) -> None:
    sell(currency=currency)
    give_account()
    prepare()
    payout = Payout.objects.get()
    send_all()
    for _ in range(2):  # a repeated answer
        settle(payout, FAILED)
    assert balances(currency) == {"payable": -5_000}
    assert journals(payout) == ["payout", "failed"]
    assert prepare() == 1  # under another id: the first is known to have failed


@pytest.mark.parametrize("currency", CURRENCIES)
def test_a_late_answer_does_not_change_the_end(currency: str) -> None:
    sell(currency=currency)
    give_account()
    prepare()
    payout = Payout.objects.get()
    send_all()
    for status in (UNKNOWN, PAID, UNKNOWN, FAILED, PAID):
        settle(payout, status)
    payout.refresh_from_db()
    assert payout.status == PAID
    assert balances(currency) == {"bank": -5_000}


@pytest.mark.parametrize(("end", "fact"), [(PAID, "payout_paid"), (FAILED, "payout_failed")])
def test_each_journal_of_a_payout_is_a_fact_once(end: Payout.Status, fact: str) -> None:
    sell()
    give_account()
    prepare()
    payout = Payout.objects.get()
    send_all()
    for status in (UNKNOWN, end, UNKNOWN, end, PAID, FAILED):
        settle(payout, status)
    assert facts_sent() == [("payout_prepared", str(payout.pk)), (fact, str(payout.pk))]
    payload = OutboxMessage.objects.get(contract=fact).payload
    assert (payload["seller_id"], payload["amount_cents"], payload["currency"]) == (4, 5_000, "EUR")
    assert payload["event_id"] == str(uuid5(payout.pk, fact))


def test_what_is_not_committed_is_no_fact() -> None:
    sell()
    give_account()
    prepare()
    send_all()
    OutboxMessage.objects.all().delete()
    with transaction.atomic():
        settle(Payout.objects.get(), PAID)
        transaction.set_rollback(True)
    assert (facts_sent(), Payout.objects.get().status) == ([], "sent")


@pytest.mark.parametrize("currency", CURRENCIES)
def test_an_unknown_payout_is_neither_released_nor_followed_by_another(currency: str) -> None:
    sell(currency=currency)
    give_account()
    prepare()
    send_all()
    settle(Payout.objects.get(), UNKNOWN)
    sell(cents=700, currency=currency)
    assert prepare() == 0
    assert balances(currency) == {"in_transit": -5_000, "payable": -700}
    settle(Payout.objects.get(), PAID)
    assert prepare() == 1
    assert balances(currency) == {"in_transit": -700, "bank": -5_000}


def test_income_under_hold_stays(settings: Settings) -> None:
    settings.HOLD_DAYS = 7
    sell()
    give_account()
    assert prepare() == 0


def test_no_bank_account_no_payout() -> None:
    sell()
    assert prepare() == 0
    give_account(usable_at=timezone.now() + timedelta(days=3))
    assert prepare() == 0
    give_account(5, replaced_at=timezone.now())
    sell(5)
    assert prepare() == 0


@pytest.mark.parametrize(("currency", "minimum"), [("EUR", 1_000), ("JPY", 10), ("KWD", 10_000)])
def test_less_than_the_minimum_waits(settings: Settings, currency: str, minimum: int) -> None:
    settings.PAYOUT_MINIMUM_UNITS = 10
    give_account()
    sell(cents=minimum - 1, currency=currency)
    assert prepare() == 0
    sell(cents=1, currency=currency)
    assert prepare() == 1


def test_the_next_payout_waits_for_its_day(settings: Settings) -> None:
    settings.PAYOUT_EVERY_DAYS = 7
    give_account()
    sell()
    assert prepare() == 1
    send_all()
    settle(Payout.objects.get(), PAID)
    sell()
    assert prepare() == 0
    Payout.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert prepare() == 1


@pytest.mark.parametrize("currency", CURRENCIES)
def test_a_refund_after_the_payout_is_netted_with_the_next(currency: str) -> None:
    order = sell(currency=currency)
    give_account()
    prepare()
    send_all()
    settle(Payout.objects.get(), PAID)
    total = Transaction.objects.get().total_cents or 0
    tasks.refund_requested([refund_requested(order, total)])
    assert balances(currency) == {"bank": -5_000, "payable": 5_000}
    sell(cents=4_000, currency=currency)
    assert prepare() == 0
    sell(cents=1_500, currency=currency)
    assert prepare() == 1
    assert Payout.objects.latest("id").amount_cents == 500


def test_a_clock_that_is_behind_does_not_see_the_income_without_its_payout() -> None:
    sell()
    give_account()
    prepare()
    income = Entry.objects.get(account="payable", amount_cents__lt=0)
    claim = Entry.objects.get(account="payable", amount_cents__gt=0)
    assert claim.available_at == income.available_at


@pytest.mark.django_db(transaction=True)
def test_processes_at_once_claim_everything_once() -> None:
    for seller in range(10, 30):
        give_account(seller)
        for currency in CURRENCIES:
            sell(seller, currency=currency)
    assert sum(run_at_once(6, lambda _: sum(prepare_payouts()))) == 60
    assert Payout.objects.count() == 60
    assert {balances(currency)["in_transit"] for currency in CURRENCIES} == {-100_000}
    assert [balances(currency).get("payable") for currency in CURRENCIES] == [None] * 3


@pytest.mark.django_db(transaction=True)
def test_a_process_that_has_waited_for_another_sees_its_payouts() -> None:
    # Each claim is sent and paid at once, so that nothing but the ledger tells the others of it.
    give_account()
    for currency in CURRENCIES:
        sell(currency=currency)

    def pay(_: int) -> int:
        prepared = 0
        for _again in range(5):
            prepared += sum(prepare_payouts())
            send_all()
            settle_payouts({payout.pk: Outcome(PAID) for payout in Payout.objects.all()})
        return prepared

    assert sum(run_at_once(6, pay)) == 3
    assert [balances(currency) for currency in CURRENCIES] == [{"bank": -5_000}] * 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("currency", CURRENCIES)
def test_a_refund_at_the_moment_of_the_payout_is_in_the_balance_or_in_the_payout(currency: str) -> None:
    orders = [sell(cents=1_000, currency=currency) for _ in range(8)]
    give_account()

    def act(number: int) -> None:
        if number == 8:
            list(prepare_payouts())
        else:
            total = Transaction.objects.get(order_id=orders[number].order_id).total_cents or 0
            tasks.refund_requested([refund_requested(orders[number], total)])

    run_at_once(9, act)
    # All is refunded: what was paid out is what the seller owes now, and no entry is lost.
    paid_out = sum(Payout.objects.values_list("amount_cents", flat=True))
    found = balances(currency)
    assert found.get("payable", 0) == paid_out
    assert found.get("in_transit", 0) == -paid_out
    assert Journal.objects.filter(kind="refund").count() == 8


@pytest.mark.parametrize("statement", ["UPDATE {} SET amount_cents = 1", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["transactions_entry", "transactions_statementline"])
def test_a_statements_lines_and_the_ledger_are_written_once(statement: str, table: str) -> None:
    sell()
    StatementLine.objects.create(
        reference="x", amount_cents=5, currency="EUR", booked_on="2026-11-29", occurrence=1, statement="a.csv"
    )
    with acting_as(APP), pytest.raises(Error, match="permission denied"), connection.cursor() as cursor:
        cursor.execute(statement.format(table))
    with pytest.raises(Error, match="written once"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement.format(table))


def test_two_open_payouts_of_a_seller_are_refused_by_the_database() -> None:
    sell()
    give_account()
    prepare()
    again = Payout.objects.get()
    again.pk = uuid7()
    with pytest.raises(Error, match="one_open_payout"), transaction.atomic():
        Payout.objects.bulk_create([again])
