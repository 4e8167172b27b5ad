"""Of a cancelled order nothing stays recorded, whatever comes first and however often."""

from collections.abc import Sequence
from itertools import permutations

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from microstore.contracts.contract import Message
from microstore.contracts.listings import OrderVoided
from tests.support.broker import facts
from tests.support.fee_post import FeePost
from tests.support.messages import order_cancelled, order_created
from tests.support.threads import run_at_once
from transactions import tasks
from transactions.models import Transaction
from transactions.overview import daily_totals, find_done

pytestmark = pytest.mark.django_db


def test_what_was_recorded_is_voided_and_keeps_its_fee(fee_post: FeePost) -> None:
    order = order_created(quantity=3)
    tasks.order_created([order])
    recorded = Transaction.objects.get()
    (reply,) = tasks.order_cancelled([order_cancelled(order)])
    voided = Transaction.objects.get()
    assert isinstance(reply, OrderVoided)
    assert (reply.order_id, reply.transaction_id) == (order.order_id, recorded.pk)
    assert voided.status == "voided"
    assert voided.voided_at is not None
    assert (voided.pk, voided.fee_cents, voided.total_cents) == (
        recorded.pk,
        recorded.fee_cents,
        recorded.total_cents,
    )
    assert daily_totals(1) == []


def test_an_order_that_is_cancelled_before_it_comes_is_not_recorded_nor_priced(fee_post: FeePost) -> None:
    order = order_created(quantity=3, buyer_id=5, seller_id=4)
    (reply,) = tasks.order_cancelled([order_cancelled(order)])
    with facts("order.*") as told:
        assert tasks.order_created([order]) == []
        assert told.take() == []
    voided = Transaction.objects.get()
    assert (voided.pk, voided.status) == (reply.transaction_id, "voided")  # type: ignore[attr-defined]  # seen above
    assert (voided.fee_cents, voided.total_cents, voided.price_cents) == (None, None, 74_700)
    assert (voided.buyer_id, voided.seller_id, voided.trace) == (5, 4, order.trace)
    assert fee_post.questions == []


def test_what_was_refused_stays_refused_and_is_confirmed(fee_post: FeePost) -> None:
    order = order_created(currency="XTS")
    with facts("order.rejected"):
        tasks.order_created([order])
    (reply,) = tasks.order_cancelled([order_cancelled(order)])
    refused = Transaction.objects.get()
    assert (refused.status, refused.voided_at) == ("refused", None)
    assert isinstance(reply, OrderVoided)
    assert reply.transaction_id == refused.pk


@pytest.mark.parametrize(
    "messages", sorted(set(permutations(["created", "created", "cancelled", "cancelled"])))
)
def test_in_any_order_and_repeated_the_end_is_one_voided_transaction(
    fee_post: FeePost, messages: Sequence[str]
) -> None:
    order = order_created()
    cancelled = order_cancelled(order)
    replies: list[Message] = []
    for message in messages:
        if message == "created":
            tasks.order_created([order])
        else:
            replies += tasks.order_cancelled([cancelled])
    voided = Transaction.objects.get()
    assert voided.status == "voided"
    assert {reply.event_id for reply in replies} == {replies[0].event_id}


def test_a_batch_is_voided_in_a_few_statements(
    fee_post: FeePost, django_assert_max_num_queries: object
) -> None:
    orders = [order_created() for _ in range(50)]
    tasks.order_created(orders[:25])
    with django_assert_max_num_queries(10):  # type: ignore[operator]  # pytest-django's
        replies = tasks.order_cancelled([order_cancelled(order) for order in orders])
    assert len(replies) == 50
    assert set(Transaction.objects.values_list("status", flat=True)) == {"voided"}


@pytest.mark.django_db(transaction=True)
def test_batches_of_both_kinds_at_once_never_wait_for_each_other(fee_post: FeePost) -> None:
    orders = [order_created() for _ in range(20)]
    cancelled = [order_cancelled(order) for order in orders]

    def act(number: int) -> None:
        if number % 2:
            tasks.order_created(orders[:: 1 if number % 3 else -1])
        else:
            tasks.order_cancelled(cancelled[:: 1 if number % 3 else -1])

    run_at_once(10, act)
    assert Transaction.objects.count() == Transaction.objects.filter(status="voided").count() == 20


def test_a_replay_of_a_cancellation_is_done_only_when_nothing_is_recorded(fee_post: FeePost) -> None:
    order = order_created()
    cancelled = order_cancelled(order)
    tasks.order_created([order])
    assert find_done([order, cancelled]) == {order.event_id}
    tasks.order_cancelled([cancelled])
    assert find_done([order, cancelled]) == {order.event_id, cancelled.event_id}


def test_the_database_keeps_no_voided_transaction_with_half_a_fee(fee_post: FeePost) -> None:
    tasks.order_created([order_created()])
    with pytest.raises(IntegrityError), transaction.atomic():
        Transaction.objects.update(status="voided", voided_at=timezone.now(), fee_cents=None)
