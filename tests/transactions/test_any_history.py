"""After any order and repetition of what may happen, each balance is what the history says."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some
from pytest_django import Settings

from microstore.contracts.transactions import OrderCreated, RefundRequested
from tests.support.broker import Mailbox
from tests.support.fee_post import FeePost
from tests.support.messages import CURRENCIES, order_cancelled, order_created, refund_requested
from tests.transactions.payees import give_account, payees
from transactions import tasks
from transactions.ledger.balances import available, balances_of
from transactions.ledger.models import Entry
from transactions.models import Payout, Transaction
from transactions.payouts.preparing import prepare_payouts
from transactions.payouts.settling import Outcome, settle_payouts
from transactions.refunds.models import Refund

__all__ = ["payees"]
pytestmark = pytest.mark.django_db

ORDERS, PRICE_CENTS, SELLERS = 6, 10_000, (7, 8)
CHOICES = some.lists(some.integers(0, ORDERS - 1), min_size=1, max_size=4)
# Of each order: two refunds that fit beside each other, one that fits beside neither, one that never does.
REFUNDS = (3_000, 4_000, 9_000, 10**9)
PAYOUT_STEPS = ("prepared", "paid", "failed", "returned")
Step = tuple[str, list[int], int]
STEPS: some.SearchStrategy[list[Step]] = some.lists(
    some.one_of(
        some.tuples(some.sampled_from(["created", "cancelled"]), CHOICES, some.just(0)),
        some.tuples(some.just("refunded"), CHOICES, some.integers(0, len(REFUNDS) - 1)),
        some.tuples(some.sampled_from(PAYOUT_STEPS), some.just([]), some.just(0)),
    ),
    min_size=1,
    max_size=12,
)


class Shop:
    """Six orders of two sellers, and what has become of them so far, in plain sums."""

    def __init__(self) -> None:
        self.orders = [
            order_created(
                currency=CURRENCIES[each % 3], unit_price_cents=PRICE_CENTS, seller_id=SELLERS[each // 3]
            )
            for each in range(ORDERS)
        ]
        self.refunds = [[refund_requested(order, amount) for amount in REFUNDS] for order in self.orders]
        self.recorded: set[int] = set()
        self.voided: set[int] = set()
        self.refunded: dict[int, list[int]] = defaultdict(list)
        self.decided: set[UUID] = set()
        self.claimed: dict[tuple[int, str], int] = {}
        self.paid: dict[tuple[int, str], int] = defaultdict(int)

    def handle(self, kind: str, chosen: Sequence[int], number: int, settings: Settings) -> None:
        """Have the services do it, and note what has to become of it; income of odd orders is not held."""
        for held in (True, False):
            settings.HOLD_DAYS = 7 if held else -1
            some_orders = [each for each in chosen if (each % 2 == 0) == held]
            if kind == "created":
                tasks.order_created([self.orders[each] for each in some_orders])
            if kind == "cancelled":
                tasks.order_cancelled([order_cancelled(self.orders[each]) for each in some_orders])
            if kind == "refunded":
                tasks.refund_requested([self.refunds[each][number] for each in some_orders])
            for each in some_orders:
                self.note(kind, each, self.refunds[each][number])
        self.pay(kind)

    def pay(self, kind: str) -> None:
        if kind == "prepared":
            due = {balance[:2]: balance.available_cents for balance in available()}
            self.claimed |= {account: due[account] for account in due.keys() - self.claimed.keys()}
            list(prepare_payouts())
            Payout.objects.filter(status="prepared").update(status="sent", sent_at=timezone.now())
        if kind in ("paid", "failed"):
            settle_payouts({payout.pk: Outcome(Payout.Status(kind)) for payout in Payout.objects.all()})
            for account, amount in self.claimed.items():
                self.paid[account] += amount if kind == "paid" else 0
            self.claimed.clear()
        if kind == "returned":
            settle_payouts({payout.pk: Outcome(Payout.Status.RETURNED) for payout in Payout.objects.all()})
            self.paid.clear()

    def note(self, kind: str, each: int, request: RefundRequested) -> None:
        if kind == "created" and each not in self.voided:
            self.recorded.add(each)
        if kind == "cancelled" and not self.refunded[each]:
            self.voided.add(each)
        if kind == "refunded" and request.refund_id not in self.decided:
            self.decided.add(request.refund_id)
            if each in self.recorded - self.voided:
                left = total_of(self.orders[each]) - sum(self.refunded[each])
                self.refunded[each] += [request.amount_cents] * (request.amount_cents <= left)

    def expected(self) -> dict[tuple[int, str], int]:
        """Balances by seller and currency: what was sold less the refunded share, and what was paid out."""
        sums: dict[tuple[int, str], int] = defaultdict(int)
        for each in self.recorded - self.voided:
            order = self.orders[each]
            fee = total_of(order) - PRICE_CENTS
            refunded = sum(self.refunded[each])
            refunded_fee = (2 * refunded * fee + total_of(order)) // (2 * total_of(order))
            sums[order.seller_id, order.currency] += PRICE_CENTS - (refunded - refunded_fee)
        for account, amount in (*self.paid.items(), *self.claimed.items()):
            sums[account] -= amount
        return {account: amount for account, amount in sums.items() if amount}


def total_of(order: OrderCreated) -> int:
    return Transaction.objects.get(order_id=order.order_id).total_cents or 0


@given(steps=STEPS)
@hypothesis_settings(max_examples=40)
def test_after_any_order_and_repetition_the_balances_are_those_of_the_history(
    payees: None, fee_post: FeePost, listings_queue: Mailbox, settings: Settings, steps: Sequence[Step]
) -> None:
    with transaction.atomic():
        shop = Shop()
        for seller in SELLERS:
            give_account(seller)
        for kind, chosen, number in steps:
            shop.handle(kind, chosen, number, settings)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        found = {
            balance[:2]: balance.pending_cents + balance.available_cents
            for seller in SELLERS
            for balance in balances_of(seller)
        }
        assert {account: amount for account, amount in found.items() if amount} == shop.expected()
        assert sum(Entry.objects.values_list("amount_cents", flat=True)) == 0
        assert Refund.objects.filter(status="refunded").count() == sum(map(len, shop.refunded.values()))
        listings_queue.take()
        transaction.set_rollback(True)
