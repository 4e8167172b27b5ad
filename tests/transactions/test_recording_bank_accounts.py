"""Bank accounts in the transactions service: recorded once, and paid to after a waiting time."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from django.utils import timezone
from pytest_django import Settings
from uuid_utils.compat import uuid7

from microstore.auth.sealing import public_half, seal
from microstore.contracts.accounts import BANK_ACCOUNT_CHANGED, BankAccountChanged
from microstore.messaging.models import DeadLetter
from microstore.telemetry.tracing import new_trace
from tests.support.threads import run_at_once
from tests.transactions.payees import PRIVATE_KEY, payees, prepare, sell
from transactions import tasks
from transactions.payouts.models import BankAccount, Payout

__all__ = ["payees"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("payees")]

SELLER = 4
NOON = timezone.now() - timedelta(days=1)


def changed(
    *, at: datetime = NOON, seller_id: int = SELLER, account_id: UUID | None = None
) -> BankAccountChanged:
    text = '{"holder": "Alice", "iban": "DE89370400440532013000"}'
    return BANK_ACCOUNT_CHANGED(
        bank_account_id=account_id or uuid7(),
        seller_id=seller_id,
        sealed=seal(text, public_half(PRIVATE_KEY), purpose=f"bank account of seller {seller_id}"),
        masked="DE•• •••• 3000",
        changed_at=at,
        trace=new_trace(),
    )


def present() -> BankAccount:
    return BankAccount.objects.get(seller_id=SELLER, replaced_at=None)


def test_it_is_recorded_once_and_always_confirmed() -> None:
    message = changed()
    replies = [tasks.bank_account_changed([message, message][: number + 1]) for number in range(2)]
    assert {reply.event_id for batch in replies for reply in batch} == {replies[0][0].event_id}
    assert BankAccount.objects.count() == 1


def test_nothing_is_paid_before_the_waiting_time_is_over(settings: Settings) -> None:
    settings.BANK_DETAILS_WAIT_DAYS = 3
    sell(SELLER)
    tasks.bank_account_changed([changed()])
    wait = present().usable_at - timezone.now()
    assert timedelta(days=2, hours=23) < wait <= timedelta(days=3)
    assert prepare() == 0
    BankAccount.objects.update(usable_at=timezone.now())
    first = present()
    sell(SELLER)
    tasks.bank_account_changed([changed(at=NOON + timedelta(hours=1))])
    assert prepare() == 0  # not to the one before either
    assert present() != first
    BankAccount.objects.update(usable_at=timezone.now() - timedelta(days=1))
    assert prepare() == 1
    assert Payout.objects.get().bank_account == present()


def test_the_senders_clock_shortens_no_waiting_time() -> None:
    tasks.bank_account_changed([changed(at=NOON - timedelta(days=365))])
    assert present().usable_at > timezone.now() + timedelta(days=2)


def test_a_change_that_arrives_late_replaces_nothing() -> None:
    later = changed(at=NOON + timedelta(hours=1))
    tasks.bank_account_changed([later])
    tasks.bank_account_changed([changed()])
    assert present().pk == later.bank_account_id
    assert BankAccount.objects.count() == 2


def test_a_change_by_a_clock_that_is_ahead_keeps_out_no_later_one() -> None:
    tasks.bank_account_changed([changed(at=timezone.now() + timedelta(days=365))])
    later = changed(at=timezone.now())
    tasks.bank_account_changed([later])
    assert present().pk == later.bank_account_id


def test_another_number_of_an_account_that_is_recorded_is_a_dead_letter() -> None:
    message = changed()
    tasks.bank_account_changed([message])
    other = message.model_copy(update={"masked": "FR•• •••• 0606"})
    assert tasks.bank_account_changed([other]) == []
    assert "another number" in DeadLetter.objects.get().error
    assert len(tasks.bank_account_changed([message])) == 1


def test_the_account_of_another_seller_is_a_dead_letter() -> None:
    message = changed()
    tasks.bank_account_changed([message])
    assert tasks.bank_account_changed([changed(seller_id=9, account_id=message.bank_account_id)]) == []
    assert "another seller" in DeadLetter.objects.get().error
    assert present().pk == message.bank_account_id


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_leave_one_present_account() -> None:
    tasks.bank_account_changed([changed()])
    messages = [changed(at=NOON + timedelta(hours=number)) for number in range(1, 5)]
    run_at_once(4, lambda number: tasks.bank_account_changed([messages[number]]))
    assert BankAccount.objects.count() == 5
    assert present().pk == messages[-1].bank_account_id
