"""A refund is decided once, never exceeds what was paid, and reverses its share of the sale."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID, uuid4

import pytest
from django.db import Error, IntegrityError, connection, transaction
from django.db.models import Sum
from hypothesis import given
from hypothesis import strategies as some

from microstore.contracts.listings import OrderRefunded, RefundRefused
from microstore.contracts.transactions import OrderCreated
from microstore.messaging.models import DeadLetter
from microstore.staff.money import show_amount
from tests.microstore.test_rights import APP, acting_as
from tests.support.broker import Mailbox
from tests.support.fee_post import FeePost
from tests.support.messages import CURRENCIES, order_cancelled, order_created, refund_requested
from tests.support.threads import run_at_once
from transactions import tasks
from transactions.ledger.models import Entry, Journal
from transactions.models import Transaction
from transactions.overview import find_done
from transactions.refunds.models import Refund
from transactions.refunds.shares import fee_share_cents

pytestmark = pytest.mark.django_db


class Sale(NamedTuple):
    """An order and its transaction."""

    order: OrderCreated
    recorded: Transaction


def sell(currency: str = "EUR", unit_price_cents: int = 5_000) -> Sale:
    order = order_created(currency=currency, unit_price_cents=unit_price_cents, buyer_id=5, seller_id=4)
    tasks.order_created([order])
    return Sale(order, Transaction.objects.get(order_id=order.order_id))


def total(sale: Sale) -> int:
    assert sale.recorded.total_cents is not None
    return sale.recorded.total_cents


def balances(currency: str) -> dict[str, int]:
    sums = Entry.objects.filter(currency=currency).values_list("account").annotate(Sum("amount_cents"))
    return {account: amount for account, amount in sums if amount}


def check_deferred() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def refusals(queue: Mailbox) -> list[str]:
    return [event["reason"] for _, events in queue.take() for event in events]


@pytest.mark.parametrize("currency", CURRENCIES)
def test_a_whole_refund_reverses_the_sale(fee_post: FeePost, currency: str) -> None:
    sale = sell(currency)
    request = refund_requested(sale.order, total(sale))
    (reply,) = tasks.refund_requested([request])
    assert isinstance(reply, OrderRefunded)
    assert (reply.refund_id, reply.order_id) == (request.refund_id, sale.order.order_id)
    assert (reply.transaction_id, reply.currency) == (sale.recorded.pk, currency)
    assert (reply.amount_cents, reply.fee_cents) == (total(sale), sale.recorded.fee_cents)
    assert balances(currency) == {}
    check_deferred()


@pytest.mark.parametrize("currency", CURRENCIES)
def test_refunds_in_parts_add_up_to_the_price_and_to_the_fee(fee_post: FeePost, currency: str) -> None:
    sale = sell(currency)
    third = total(sale) // 3
    fees = 0
    for amount in (third, third, total(sale) - 2 * third):
        (reply,) = tasks.refund_requested([refund_requested(sale.order, amount)])
        assert isinstance(reply, OrderRefunded)
        fees += reply.fee_cents
    assert fees == sale.recorded.fee_cents
    assert balances(currency) == {}
    # What a refund takes back is as available as the income of the sale.
    assert Entry.objects.filter(account="payable").values("available_at").distinct().count() == 1
    check_deferred()


def test_a_partial_refund_leaves_the_rest(fee_post: FeePost) -> None:
    sale = sell()
    assert (sale.recorded.price_cents, sale.recorded.fee_cents) == (5_000, 275)
    (reply,) = tasks.refund_requested([refund_requested(sale.order, 1_000)])
    assert isinstance(reply, OrderRefunded)
    assert reply.fee_cents == 52  # 1,000 × 275 / 5,275 = 52.13
    assert balances("EUR") == {"receivable": 4_275, "payable": -4_052, "fee_income": -223}


@given(
    fee=some.integers(0, 10**6),
    price=some.integers(1, 10**15),
    parts=some.lists(some.floats(0, 1), max_size=10),
)
def test_a_fee_in_parts_is_never_negative_nor_above_its_part(
    fee: int, price: int, parts: Sequence[float]
) -> None:
    paid = price + fee
    steps = sorted({0, paid, *(int(paid * part) for part in parts)})
    shares = [
        fee_share_cents(after - before, before_cents=before, fee_cents=fee, total_cents=paid)
        for before, after in pairwise(steps)
    ]
    assert sum(shares) == fee
    assert all(
        0 <= share <= after - before for share, (before, after) in zip(shares, pairwise(steps), strict=True)
    )


def test_a_redelivered_request_is_refunded_once_and_replied_to_the_same(fee_post: FeePost) -> None:
    sale = sell()
    request = refund_requested(sale.order, 1_000)
    (first,) = tasks.refund_requested([request, request])
    (second,) = tasks.refund_requested([request])
    assert first.event_id == second.event_id
    assert Refund.objects.count() == Journal.objects.filter(kind="refund").count() == 1


@pytest.mark.parametrize("currency", CURRENCIES)
def test_what_cannot_be_refunded_is_refused_for_good(
    fee_post: FeePost, listings_queue: Mailbox, currency: str
) -> None:
    sale, voided = sell(currency), sell(currency).order
    unknown, refused = order_created(currency=currency), order_created(currency="XTS")
    tasks.order_created([refused])
    tasks.order_cancelled([order_cancelled(voided)])
    listings_queue.take()
    requests = [
        refund_requested(sale.order, total(sale) + 1),
        refund_requested(unknown, 1),
        refund_requested(refused, 1),
        refund_requested(voided, 1),
    ]
    for _ in range(2):
        assert tasks.refund_requested(requests) == []
        assert sorted(refusals(listings_queue)) == sorted(
            [
                f"Of what was paid, {show_amount(total(sale), currency)} are left to refund.",
                "Nothing is recorded for this order.",
                "The order's transaction is refused.",
                "The order's transaction is voided.",
            ]
        )
    tasks.order_created([unknown])  # too late for the refund, which was decided
    assert tasks.refund_requested([requests[1]]) == []
    assert not Journal.objects.filter(kind="refund").exists()


def test_the_refusal_says_what_is_refused(fee_post: FeePost, listings_queue: Mailbox) -> None:
    request = refund_requested(order_created(), 1)
    tasks.refund_requested([request])
    [(task, [event])] = listings_queue.take()
    assert task == "listings.refund_refused"
    assert RefundRefused(**event).refund_id == request.refund_id


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("currency", CURRENCIES)
def test_fifty_at_once_never_refund_more_than_was_paid(
    fee_post: FeePost, listings_queue: Mailbox, currency: str
) -> None:
    sale = sell(currency)
    part = total(sale) // 10
    same = refund_requested(sale.order, part)
    one_key = run_at_once(25, lambda _: tasks.refund_requested([same]))
    assert {reply.event_id for replies in one_key for reply in replies} == {one_key[0][0].event_id}
    assert Refund.objects.count() == 1
    others = run_at_once(25, lambda _: tasks.refund_requested([refund_requested(sale.order, part)]))
    assert sum(len(replies) for replies in others) == 9
    refunded = Refund.objects.filter(status="refunded").aggregate(Sum("amount_cents"))["amount_cents__sum"]
    assert refunded == 10 * part <= total(sale)
    assert balances(currency).get("receivable", 0) == total(sale) - refunded


@pytest.mark.django_db(transaction=True)
def test_a_refund_and_a_void_at_once_leave_one_of_them(fee_post: FeePost, listings_queue: Mailbox) -> None:
    sales = [sell(currency) for currency in CURRENCIES * 2]

    def act(number: int) -> None:
        for sale in sales[:: 1 if number % 3 else -1]:
            if number % 2:
                tasks.refund_requested([refund_requested(sale.order, total(sale), refund_id=known(sale))])
            else:
                tasks.order_cancelled([order_cancelled(sale.order)])

    run_at_once(6, act)
    assert [balances(currency) for currency in CURRENCIES] == [{}] * 3
    refunded = set(Refund.objects.filter(status="refunded").values_list("transaction", flat=True))
    voided = set(Transaction.objects.filter(status="voided").values_list("pk", flat=True))
    assert refunded.isdisjoint(voided)
    assert len(refunded | voided) == 6


def known(sale: Sale) -> UUID:
    return UUID(int=sale.recorded.pk.int ^ 1)


def test_a_cancellation_of_a_refunded_order_is_a_contradiction(fee_post: FeePost) -> None:
    sale = sell()
    tasks.refund_requested([refund_requested(sale.order, 1_000)])
    assert tasks.order_cancelled([order_cancelled(sale.order)]) == []
    assert DeadLetter.objects.get().cause.endswith("the order is refunded")


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"amount_cents": 999}, "the refund is recorded with another amount_cents"),
        ({"order_id": uuid4()}, "the refund is recorded with another order_id"),
        ({"currency": "JPY"}, "the refund is recorded with another currency"),
        ({"listing_id": 8}, "the refund is recorded with another listing_id"),
    ],
)
def test_a_request_that_contradicts_its_refund_is_a_dead_letter(
    fee_post: FeePost, changed: dict[str, object], cause: str
) -> None:
    request = refund_requested(sell().order, 1_000)
    tasks.refund_requested([request])
    assert tasks.refund_requested([request.model_copy(update=changed)]) == []
    assert DeadLetter.objects.get().cause.endswith(cause)
    assert Refund.objects.get().amount_cents == 1_000


def test_a_request_of_another_listing_or_currency_refunds_nothing(fee_post: FeePost) -> None:
    request = refund_requested(sell().order, 1_000)
    for change in ({"currency": "JPY"}, {"listing_id": 8}):
        assert tasks.refund_requested([request.model_copy(update=change)]) == []
    assert not Refund.objects.exists()
    assert DeadLetter.objects.count() == 2


def test_a_sale_that_the_ledger_lacks_is_posted_before_its_refund(fee_post: FeePost) -> None:
    sale = sell()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("TRUNCATE transactions_journal, transactions_entry")
    tasks.refund_requested([refund_requested(sale.order, total(sale))])
    assert balances("EUR") == {}
    assert set(Journal.objects.values_list("kind", flat=True)) == {"sale", "refund"}


def test_a_replay_is_done_when_the_refund_is_decided(fee_post: FeePost) -> None:
    request = refund_requested(sell().order, 1_000)
    assert find_done([request]) == set()
    tasks.refund_requested([request])
    assert find_done([request]) == {request.event_id}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transactions_refund SET amount_cents = 1",
        "UPDATE transactions_refund SET reason = '', amount_cents = 1",
        "DELETE FROM transactions_refund",
    ],
)
def test_nobody_changes_a_refund(fee_post: FeePost, statement: str) -> None:
    tasks.refund_requested([refund_requested(sell().order, 1_000)])
    with connection.cursor() as cursor:
        with pytest.raises(IntegrityError, match="rows are written once"), transaction.atomic():
            cursor.execute(statement)
        with acting_as(APP), pytest.raises(Error, match="permission denied"), transaction.atomic():
            cursor.execute(statement)


def test_a_refund_s_reason_may_be_emptied_and_not_rewritten(fee_post: FeePost) -> None:
    tasks.refund_requested([refund_requested(sell().order, 1_000)])
    with acting_as(APP):
        assert Refund.objects.update(reason="") == 1
        with pytest.raises(IntegrityError, match="rows are written once"), transaction.atomic():
            Refund.objects.update(reason="It was never broken.")


def test_the_application_s_role_refunds(fee_post: FeePost) -> None:
    with acting_as(APP):
        sale = sell()
        assert len(tasks.refund_requested([refund_requested(sale.order, 1_000)])) == 1
        check_deferred()
