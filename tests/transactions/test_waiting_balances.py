"""What balances wait for that are available and not paid out, as a metric."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from tests.support.messages import CURRENCIES
from tests.transactions.payees import give_account, payees, prepare, sell
from transactions.payouts.waiting import WAITING, measure_waiting

__all__ = ["payees"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("payees")]


def test_balances_are_counted_by_what_they_wait_for(settings: Settings) -> None:
    settings.PAYOUT_MINIMUM_UNITS = 10
    give_account(4)
    give_account(6, usable_at=timezone.now() + timedelta(days=3))
    give_account(7)
    for currency in CURRENCIES:
        for seller in (4, 5, 6):
            sell(seller, cents=20_000, currency=currency)
        sell(7, cents=9, currency=currency)
    assert waiting() == {"account": 6, "amount": 3, "schedule": 0, "process": 3}
    prepare()
    assert waiting() == {"account": 6, "amount": 3, "schedule": 0, "process": 0}
    for currency in CURRENCIES:
        sell(cents=20_000, currency=currency)
    assert waiting() == {"account": 6, "amount": 3, "schedule": 3, "process": 0}


def waiting() -> dict[str, float]:
    measure_waiting()
    [metric] = WAITING.collect()
    return {sample.labels["waits_for"]: sample.value for sample in metric.samples}
