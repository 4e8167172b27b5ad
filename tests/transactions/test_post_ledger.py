"""`manage.py post_ledger` posts again whatever the ledger has lost, as it was."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from tests.support.messages import CURRENCIES, order_cancelled, refund_requested
from tests.transactions.payees import check_deferred, give_account, payees, prepare, sell
from transactions import tasks
from transactions.ledger.models import Entry, Journal
from transactions.models import Transaction
from transactions.payouts.models import Payout
from transactions.payouts.settling import Outcome, settle_payouts

__all__ = ["payees"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("payees")]


def posted() -> set[tuple[object, ...]]:
    entries = Entry.objects.values_list(
        *("journal__kind", "journal__subject_id", "journal__occurred_at"),
        *("account", "owner_id", "currency", "amount_cents", "available_at"),
    )
    return set(entries)


def test_what_the_ledger_has_lost_is_posted_again() -> None:
    orders = [sell(currency=currency) for currency in CURRENCIES]
    voided = sell(currency="KWD")
    tasks.refund_requested([refund_requested(order, 1_000) for order in orders])
    tasks.order_cancelled([order_cancelled(voided)])
    give_account()
    prepare()
    Payout.objects.update(status="sent", sent_at=timezone.now())
    ends = (Payout.Status.PAID, Payout.Status.FAILED, Payout.Status.UNKNOWN)
    for payout, end in zip(Payout.objects.order_by("currency"), ends, strict=True):
        settle_payouts({payout.pk: Outcome(end)})
        if end == Payout.Status.PAID:
            settle_payouts({payout.pk: Outcome(Payout.Status.RETURNED)})
    before = posted()
    assert {kind for kind, *_ in before} == set(Journal.Kind.values)
    check_deferred()
    # All but the sale of the voided order: without it there would be nothing to reverse.
    lost = Journal.objects.exclude(
        kind="sale", subject_id=Transaction.objects.get(order_id=voided.order_id).pk
    )
    with connection.cursor() as cursor:
        for table in ("entry", "journal"):
            cursor.execute(f"ALTER TABLE transactions_{table} DISABLE TRIGGER append_only")
        Entry.objects.filter(journal__in=lost).delete()
        lost.delete()
    for _ in range(2):
        call_command("post_ledger")
        assert posted() == before
    check_deferred()
