"""Sellers with income and a bank account, and the provider that pays them."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum
from django.utils import timezone
from pytest_django import Settings
from uuid_utils.compat import uuid7

from microstore.auth.sealing import public_half, seal
from microstore.contracts.transactions import OrderCreated
from stack.processes.keys import make_bank_details_keys
from stack.sandbox_bank import SandboxBank
from tests.support.messages import order_created
from transactions import tasks
from transactions.ledger.models import Entry, Journal
from transactions.payouts import provider
from transactions.payouts.details import purpose_of
from transactions.payouts.models import BankAccount, Payout
from transactions.payouts.preparing import prepare_payouts

IBAN = "DE89370400440532013000"
PRIVATE_KEY = make_bank_details_keys()["BANK_DETAILS_PRIVATE_KEYS"]
SIGNING_KEY = "of the sandbox, 32 characters long"


@pytest.fixture
def payees(settings: Settings, fee_post: object) -> None:
    """Income is available at once, and payouts have no minimum."""
    settings.HOLD_DAYS, settings.PAYOUT_MINIMUM_UNITS, settings.PAYOUT_EVERY_DAYS = -1, 0, 0
    settings.BANK_DETAILS_PRIVATE_KEYS = [PRIVATE_KEY]


@pytest.fixture
def bank(settings: Settings, payees: None) -> Iterator[SandboxBank]:
    """The sandbox, which PAYOUTS_URL names."""
    provider.session.cache_clear()
    with SandboxBank(key=SIGNING_KEY) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01], daemon=True)
        thread.start()
        settings.PAYOUTS_URL, settings.PAYOUTS_SIGNING_KEY = server.url, SIGNING_KEY
        settings.PAYOUTS_TIMEOUT_SECONDS = (2.0, 2.0)
        yield server
        provider.session().close()
        provider.session.cache_clear()
        server.shutdown()
        thread.join()


def sell(seller_id: int = 4, cents: int = 5_000, currency: str = "EUR") -> OrderCreated:
    """Record a sale, whose income is available."""
    order = order_created(currency=currency, unit_price_cents=cents, buyer_id=5, seller_id=seller_id)
    tasks.order_created([order])
    return order


def give_account(seller_id: int = 4, *, holder: str = "Alice Example", **changed: Any) -> BankAccount:
    """Give the seller a bank account, usable since yesterday."""
    sealed = sealed_for(seller_id, f'{{"holder": "{holder}", "iban": "{IBAN}"}}')
    long_ago = timezone.now() - timedelta(days=1)
    values = {"sealed": sealed, "masked": "DE•• 3000", "changed_at": long_ago, "usable_at": long_ago}
    return BankAccount.objects.create(pk=uuid7(), seller_id=seller_id, **(values | changed))


def sealed_for(seller_id: int, text: str) -> str:
    """Return the text as the listings service seals the details of this seller."""
    return seal(text, public_half(PRIVATE_KEY), purpose=purpose_of(seller_id))


def prepare() -> int:
    """Prepare what is due, and check what is otherwise checked at the commit."""
    prepared = sum(prepare_payouts())
    check_deferred()
    return prepared


def check_deferred() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def balances(currency: str = "EUR") -> dict[str, int]:
    """Return what the accounts of payouts add up to, but for those at 0."""
    rows = Entry.objects.filter(currency=currency, account__in=["payable", "in_transit", "bank"])
    sums = rows.values_list("account").annotate(Sum("amount_cents"))
    return {account: amount for account, amount in sums if amount}


def journals(payout: Payout) -> list[str]:
    """Return the kinds of the payout's journals, in the order of their posting."""
    found = Journal.objects.filter(subject_id=payout.pk).order_by("id")
    return list(found.values_list("kind", flat=True))


def overdue_for_look_up() -> None:
    """Let the time pass after which payouts are looked up."""
    before = timezone.now() - timedelta(hours=1)
    Payout.objects.filter(sent_at__isnull=False).update(sent_at=before, looked_up_at=before)
