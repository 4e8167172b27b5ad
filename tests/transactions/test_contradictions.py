"""An order is recorded as it first came; a message that contradicts it is a dead letter without a reply."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from microstore.contracts.contract import Message, to_wire
from microstore.contracts.transactions import ORDER_EXPIRED, REFUND_REQUESTED, OrderCreated
from microstore.messaging.models import DeadLetter
from microstore.messaging.receiving.consumer import Delivery
from microstore.messaging.receiving.retry_state import RetryState
from tests.support.broker import Mailbox
from tests.support.deliveries import ArrivedTask
from tests.support.fee_post import FeePost
from tests.support.messages import order_cancelled, order_created, refund_requested
from transactions import tasks
from transactions.models import Transaction
from transactions.refunds.models import Refund

pytestmark = pytest.mark.django_db

OTHER: list[tuple[dict[str, Any], str]] = [
    ({"unit_price_cents": 1}, "price"),
    ({"quantity": 2, "unit_price_cents": 12_450}, "quantity"),
    ({"listing_id": 999_999}, "listing_id"),
    ({"buyer_id": 999_999}, "buyer_id"),
    ({"seller_id": 999_999}, "seller_id"),
    ({"currency": "USD"}, "currency"),
]


def expired(order: OrderCreated) -> OrderCreated:
    return ORDER_EXPIRED(**order.model_dump(exclude={"event_id"}))


def as_it_is(order: OrderCreated) -> OrderCreated:
    return order


HANDLERS = [
    (tasks.order_created, as_it_is, "order_created"),
    (tasks.order_expired, expired, "order_expired"),
    (tasks.order_cancelled, order_cancelled, "order_cancelled"),
]


@pytest.mark.parametrize(("changes", "field"), OTHER)
@pytest.mark.parametrize(("handler", "as_sent", "contract"), HANDLERS)
def test_a_message_about_a_recorded_order_with_other_content_changes_nothing(
    fee_post: FeePost,
    listings_queue: Mailbox,
    handler: Callable[[list[Any]], Sequence[Message]],
    as_sent: Callable[[OrderCreated], OrderCreated],
    contract: str,
    changes: dict[str, Any],
    field: str,
) -> None:
    order, other = order_created(), order_created()
    tasks.order_created([order, other])
    before = list(Transaction.objects.values())
    contradicting = as_sent(order.model_copy(update=changes))
    (reply,) = handler([contradicting, as_sent(other)])
    assert reply.order_id == other.order_id  # type: ignore[attr-defined]  # of both replies
    assert Transaction.objects.filter(order_id=order.order_id).values().get() == before[0]
    cause = f"Contradiction: the order is recorded with another {field}"
    assert DeadLetter.objects.values_list("contract", "cause", "attempts").get() == (contract, cause, 1)
    assert listings_queue.take() == []


def test_two_orders_of_one_id_in_a_batch_are_recorded_once_and_the_other_is_a_dead_letter(
    fee_post: FeePost,
) -> None:
    order = order_created()
    (reply,) = tasks.order_created([order.model_copy(update={"unit_price_cents": 1}), order])
    assert Transaction.objects.get().price_cents == order.unit_price_cents
    assert reply.total_cents == Transaction.objects.get().total_cents  # type: ignore[attr-defined]  # a sale
    assert DeadLetter.objects.count() == 1


def test_an_order_that_comes_again_without_its_texts_is_no_contradiction(fee_post: FeePost) -> None:
    order = order_created()
    (first,) = tasks.order_created([order])
    (again,) = tasks.order_created([order.model_copy(update={"title": "", "category": ""})])
    assert first.event_id == again.event_id
    assert DeadLetter.objects.count() == 0


def test_of_two_refunds_of_one_id_in_a_batch_one_is_decided_and_the_other_is_a_dead_letter(
    fee_post: FeePost, listings_queue: Mailbox
) -> None:
    order = order_created()
    tasks.order_created([order])
    first = refund_requested(order, 100)
    batch = [to_wire(each) for each in (first, first.model_copy(update={"amount_cents": 200}), first)]
    Delivery(ArrivedTask(), REFUND_REQUESTED, tasks.refund_requested, RetryState()).handle(batch)
    assert Refund.objects.get().amount_cents == 100
    assert DeadLetter.objects.values_list("payload__amount_cents", flat=True).get() == 200
    [(_, replies)] = listings_queue.take()
    assert {reply["amount_cents"] for reply in replies} == {100}
