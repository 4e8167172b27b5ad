"""A drill: a statement lacks a payout, and finance has the admin and the command line alone."""

import io
from pathlib import Path

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from microstore.contracts.transactions import OrderCreated
from tests.support.messages import CURRENCIES, refund_requested
from tests.support.roles import client_as
from tests.transactions.bank_statements import line_of, make_older, reconcile, statement
from tests.transactions.payees import balances, check_deferred, give_account, payees, sell
from transactions import tasks
from transactions.models import Transaction
from transactions.payouts.models import Payout

__all__ = ["payees"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("payees")]

LIST = "/admin/transactions/payout/"


def refund_whole(order: OrderCreated) -> None:
    paid = Transaction.objects.get(order_id=order.order_id).total_cents
    assert paid
    tasks.refund_requested([refund_requested(order, paid)])


def run_round() -> str:
    out = io.StringIO()
    call_command("payouts", stdout=out)
    check_deferred()
    return out.getvalue()


def sell_nineteen(lost: str) -> dict[str, list[OrderCreated]]:
    """Sell six things in each currency, one more in that of the payout that is lost, and refund two."""
    orders = {currency: [sell(currency=currency) for _ in range(6)] for currency in CURRENCIES}
    sell(currency=lost)
    refund_whole(orders["EUR"][0])
    refund_whole(orders["KWD"][0])
    return orders


def find_unknown(finance: Client, payouts: list[Payout]) -> list[Payout]:
    """Look at the list of unknown payouts, and at the page of each."""
    page = finance.get(LIST, {"status__exact": "unknown"}).content.decode()
    found = [payout for payout in payouts if str(payout.pk) in page]
    for payout in found:
        change = finance.get(f"{LIST}{payout.pk}/change/").content.decode()
        assert "In no statement up to" in change
    return found


@pytest.mark.parametrize("lost", CURRENCIES)
def test_finance_finds_the_payout_that_a_statement_lacks(
    lost: str, tmp_path: Path, settings: Settings
) -> None:
    settings.PAYOUTS_FOLDER = str(tmp_path / "payouts")
    give_account()
    orders = sell_nineteen(lost)
    assert run_round() == "Payouts prepared: 3, sent: 3, looked up: 0.\n"
    paid = dict(Payout.objects.values_list("currency", "amount_cents"))
    assert paid == {"EUR": 25_000, "JPY": 30_000, "KWD": 25_000} | {lost: paid[lost]}
    refund_whole(orders[lost][1])
    assert balances(lost) == {"payable": 5_000, "in_transit": -paid[lost]}

    make_older()
    payouts = list(Payout.objects.all())
    [missing] = [payout for payout in payouts if payout.currency == lost]
    code, lines = reconcile(statement(tmp_path, *(line_of(each) for each in payouts if each != missing)))
    assert (code, [line.split(",")[0] for line in lines[:-1]]) == (1, [str(missing.pk)])
    finance = client_as("finance")
    assert find_unknown(finance, payouts) == [missing]
    # Nothing is paid in its place while nobody knows.
    assert run_round() == "Payouts prepared: 0, sent: 0, looked up: 0.\n"
    found = {"action": "mark_as_paid", ACTION_CHECKBOX_NAME: str(missing.pk), "reason": "The bank shows it"}
    finance.post(LIST, found)

    # The twentieth sale: what was refunded after the payout is netted.
    sell(currency=lost, cents=8_000)
    assert run_round() == "Payouts prepared: 1, sent: 1, looked up: 0.\n"
    make_older()
    netted = Payout.objects.get(status="sent")
    assert (netted.currency, netted.amount_cents) == (lost, 3_000)
    # Named again until the bank has booked it, too.
    assert reconcile(statement(tmp_path, line_of(netted), name="next.csv"))[0] == 1
    assert reconcile(statement(tmp_path, line_of(missing), name="late.csv"))[0] == 0
    paid[lost] += netted.amount_cents
    assert {each: balances(each) for each in paid} == {each: {"bank": -cents} for each, cents in paid.items()}
