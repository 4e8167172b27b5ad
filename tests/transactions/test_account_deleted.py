"""An account is forgotten: what it wrote goes, figures and numbers stay."""

import json

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test import Client
from pytest_django import Settings
from uuid_utils.compat import uuid7

from microstore.contracts.accounts import ACCOUNT_DELETED, BANK_ACCOUNT_CHANGED, BankAccountChanged
from microstore.contracts.contract import to_wire
from microstore.contracts.transactions import OrderCreated, RefundRequested
from microstore.messaging.dead_letters import store
from microstore.messaging.models import DeadLetter
from microstore.staff.actions import record
from microstore.staff.models import StaffAction
from microstore.telemetry.tracing import new_trace
from tests.microstore.test_rights import APP, acting_as
from tests.support.broker import Mailbox
from tests.support.fee_post import FeePost
from tests.support.messages import CURRENCIES, order_created, refund_requested
from tests.support.traces_of_a_person import find_traces
from tests.transactions.payees import give_account, payees, prepare, sell
from transactions import tasks
from transactions.models import Transaction
from transactions.payouts.details import seal_all_anew
from transactions.payouts.models import BankAccount, Payout
from transactions.payouts.settling import Outcome, settle_payouts
from transactions.refunds.models import Refund

__all__ = ["payees"]

pytestmark = pytest.mark.django_db

TEXTS = {"title": "Quixotic lamp", "description": "Call Quixana", "picture": "/pictures/quixotic.jpg"}
FIGURES = ("order_id", "buyer_id", "seller_id", "price_cents", "fee_cents", "total_cents", "status")


NAME = "quixana-7"


def name_hash() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT retired_name_hash(%s)", [NAME])
        return str(cursor.fetchone()[0])


def refund(order: OrderCreated) -> RefundRequested:
    return refund_requested(order, 100).model_copy(update={"reason": "Quixana asked for it."})


def test_what_the_account_wrote_goes_and_the_books_stay(fee_post: FeePost, listings_queue: Mailbox) -> None:
    theirs = order_created().model_copy(update={"seller_id": 71, **TEXTS})
    others = order_created().model_copy(update={"seller_id": 72, "title": "Crunchy armchair"})
    bought = order_created(buyer_id=71, seller_id=72)
    tasks.order_created([theirs, others, bought])
    tasks.refund_requested([refund(theirs), refund(bought), refund(order_created())])
    for order in (theirs, bought):
        letter = to_wire(refund(order))
        store.dead_letter(contract="refund_requested", payload=letter, error=ValueError("no"), attempts=3)
        unread = json.dumps([[[letter | {"amount_cents": "Quixotic"}]], {}, {}]).encode()
        store.dead_letter_unread(unread, {"application_headers": {"task": "transactions.refund_requested"}})
    payload = to_wire(order_created().model_copy(update={"seller_id": 71, **TEXTS}))
    store.dead_letter(contract="order_created", payload=payload, error=ValueError("Quixotic"), attempts=3)
    before = list(Transaction.objects.order_by("order_id").values(*FIGURES))
    assert find_traces("quixo", "quixana")

    deleted = ACCOUNT_DELETED(account_id=71, name_hash=name_hash(), trace=new_trace())
    [reply] = tasks.account_deleted([deleted])
    assert find_traces("quixo", "quixana") == set()
    assert list(Transaction.objects.order_by("order_id").values(*FIGURES)) == before
    of_others = Transaction.objects.filter(seller_id=72).values_list("title", flat=True)
    assert set(of_others) == {"Crunchy armchair"}
    assert Refund.objects.filter(status="refunded", amount_cents=100).count() == 2
    # Delivered again it has the same reply, and the order that comes late stores nothing anew.
    assert [each.event_id for each in tasks.account_deleted([deleted])] == [reply.event_id]
    tasks.order_created([theirs])
    assert find_traces("quixo", "quixana") == set()


def test_the_name_is_taken_out_of_log_ins_at_the_admin_and_is_not_to_be_had(
    listings_queue: Mailbox,
) -> None:
    User.objects.create_user("carol", is_staff=True)
    for name in (NAME.upper(), f"{NAME}@shop.example", "carol"):
        Client().post("/admin/login/", {"username": name, "password": "wrong"})
    assert find_traces("quixana") == set()
    record("failed to log in", by=NAME, address="192.0.2.7")  # as former releases wrote it
    with acting_as(APP):
        tasks.account_deleted([ACCOUNT_DELETED(account_id=71, name_hash=name_hash(), trace=new_trace())])
        assert find_traces("quixana") == set()
        by = StaffAction.objects.values_list("by", flat=True)
        assert sorted(by) == ["(deleted)", "(unknown name)", "(unknown name)", "carol"]
        assert StaffAction.objects.filter(by="(deleted)", address=None).count() == 1
        with pytest.raises(IntegrityError, match="deleted account"), transaction.atomic():
            User.objects.create_user(NAME)


def test_log_ins_of_staff_keep_their_names(listings_queue: Mailbox) -> None:
    """Also where the hash of such a name comes, by mistake or by malice."""
    User.objects.create_user(NAME, is_staff=True)
    Client().post("/admin/login/", {"username": NAME, "password": "wrong"})
    tasks.account_deleted([ACCOUNT_DELETED(account_id=71, name_hash=name_hash(), trace=new_trace())])
    assert StaffAction.objects.get().by == NAME
    staff = User.objects.get(username=NAME)
    staff.save()
    assert StaffAction.objects.get().address


def bank_account_changed(account: BankAccount) -> BankAccountChanged:
    return BANK_ACCOUNT_CHANGED(
        bank_account_id=uuid7(),
        seller_id=account.seller_id,
        sealed=account.sealed,
        masked=account.masked,
        changed_at=account.changed_at,
        trace=new_trace(),
    )


@pytest.mark.usefixtures("payees")
def test_bank_details_stay_until_nothing_is_owed_and_then_go(listings_queue: Mailbox) -> None:
    order = sell(71)
    for account in (give_account(71), give_account(72)):
        assert account.masked
        changed = to_wire(bank_account_changed(account))
        store.dead_letter(
            contract=BANK_ACCOUNT_CHANGED.name, payload=changed, error=ValueError("no"), attempts=3
        )
    deleted = ACCOUNT_DELETED(account_id=71, name_hash=name_hash(), trace=new_trace())
    assert tasks.account_deleted([deleted]) == []
    assert BankAccount.objects.exclude(sealed="").filter(replaced_at=None).count() == 2
    assert DeadLetter.objects.count() == 2
    total_cents = Transaction.objects.get(order_id=order.order_id).total_cents or 0
    tasks.refund_requested([refund_requested(order, total_cents)])
    with acting_as(APP):
        assert len(tasks.account_deleted([deleted])) == 1
        assert BankAccount.objects.get(seller_id=71, sealed="", masked="").replaced_at
        assert list(BankAccount.objects.exclude(sealed="").values_list("seller_id", flat=True)) == [72]
        assert list(DeadLetter.objects.values_list("payload__seller_id", flat=True)) == [72]
        # Exchanging the key passes them over.
        assert list(seal_all_anew()) == [1]


@pytest.mark.usefixtures("payees")
@pytest.mark.parametrize("currency", CURRENCIES)
def test_less_than_the_minimum_is_paid_to_a_seller_who_has_left_and_then_forgotten(
    listings_queue: Mailbox, settings: Settings, currency: str
) -> None:
    settings.PAYOUT_MINIMUM_UNITS = 10
    for seller in (71, 72):
        give_account(seller)
        sell(seller, cents=9, currency=currency)
    assert prepare() == 0
    deleted = ACCOUNT_DELETED(account_id=71, name_hash=name_hash(), trace=new_trace())
    for prepared in (1, 0):
        assert tasks.account_deleted([deleted]) == []
        assert prepare() == prepared
    payout = Payout.objects.get(seller_id=71, amount_cents=9, currency=currency)
    Payout.objects.update(status="sent", sent_at=payout.created_at)
    assert tasks.account_deleted([deleted]) == []
    settle_payouts({payout.pk: Outcome(Payout.Status.PAID)})
    assert len(tasks.account_deleted([deleted])) == 1
    assert BankAccount.objects.get(seller_id=71).sealed == ""
