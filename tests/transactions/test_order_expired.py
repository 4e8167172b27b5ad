"""An order that was never settled is refused for ever, unless it has a transaction."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from microstore.contracts.contract import to_wire
from microstore.contracts.listings import ItemSold
from microstore.contracts.transactions import (
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    OrderCancelled,
    OrderCreated,
    OrderExpired,
)
from tests.support.broker import Mailbox
from tests.support.fee_post import FeePost
from tests.support.messages import order_created
from transactions import tasks
from transactions.models import Transaction

pytestmark = pytest.mark.django_db

ORDERS = [order_created() for _ in range(4)]
batches = st.tuples(
    st.sampled_from([tasks.order_created, tasks.order_expired, tasks.order_cancelled]),
    st.lists(st.sampled_from(ORDERS), max_size=5),
)


def expired(order: OrderCreated) -> OrderExpired:
    return ORDER_EXPIRED.parse(to_wire(order))


def cancelled(order: OrderCreated) -> OrderCancelled:
    return ORDER_CANCELLED.parse(to_wire(order))


DECISIONS = {tasks.order_created: "recorded", tasks.order_expired: "refused", tasks.order_cancelled: "voided"}
AS_SENT: dict[Any, Callable[[OrderCreated], Any]] = {
    tasks.order_created: lambda order: order,
    tasks.order_expired: expired,
    tasks.order_cancelled: cancelled,
}


def test_one_that_nobody_recorded_is_refused_and_the_listings_service_is_told(
    fee_post: FeePost, listings_queue: Mailbox
) -> None:
    order = order_created()
    assert tasks.order_expired([expired(order)]) == []
    assert Transaction.objects.get().status == "refused"
    [(task, [rejection])] = listings_queue.take()
    assert (task, rejection["order_id"]) == ("listings.order_rejected", str(order.order_id))
    assert rejection["reason"] == "The order was not settled in time."
    assert fee_post.questions == []


def test_one_that_was_recorded_is_answered_with_its_sale(fee_post: FeePost, listings_queue: Mailbox) -> None:
    order = order_created()
    [sale] = tasks.order_created([order])
    [again] = tasks.order_expired([expired(order)])
    assert again.model_dump(exclude={"occurred_at"}) == sale.model_dump(exclude={"occurred_at"})
    assert listings_queue.take() == []


def test_one_that_has_expired_is_not_recorded_when_its_message_comes_after_all(
    fee_post: FeePost, listings_queue: Mailbox
) -> None:
    order = order_created()
    tasks.order_expired([expired(order)])
    assert tasks.order_created([order]) == []
    assert Transaction.objects.get().status == "refused"
    assert [task for task, _ in listings_queue.take()] == ["listings.order_rejected"] * 2


@settings(max_examples=40)
@given(steps=st.lists(batches, max_size=8))
def test_each_order_is_decided_once_by_the_first_message_in_whatever_order_they_come(
    fee_post: FeePost, listings_queue: Mailbox, steps: list[tuple[Any, list[OrderCreated]]]
) -> None:
    with transaction.atomic():
        decided: dict[object, str] = {}
        for task, orders in steps:
            told = task([AS_SENT[task](order) for order in orders])
            for order in orders:
                decision = decided.setdefault(order.order_id, DECISIONS[task])
                if task is tasks.order_cancelled and decision == "recorded":
                    decided[order.order_id] = "voided"
            sold = {order.order_id for order in orders if decided[order.order_id] == "recorded"}
            assert {reply.order_id for reply in told if isinstance(reply, ItemSold)} == sold
            assert dict(Transaction.objects.values_list("order_id", "status")) == decided
        transaction.set_rollback(True)
