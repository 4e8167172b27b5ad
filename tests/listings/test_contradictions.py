"""A reply that contradicts its order is a dead letter and changes nothing; the rest of its batch goes on."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries
from uuid_utils.compat import uuid7

from listings import tasks
from listings.models import Listing, LiveEvent, Order
from listings.settling.complete import complete_orders
from microstore.contracts.listings import ItemSold, OrderRejected, OrderVoided
from microstore.messaging.models import DeadLetter
from tests.listings.purchases import order_one
from tests.listings.replies import item_sold, order_rejected, order_voided
from tests.support.broker import facts

pytestmark = pytest.mark.django_db

LARGEST = 2**63 - 1
OTHER_LISTING, NO_ORDER = {"listing_id": 999_999}, {"order_id": uuid7()}
Changes = dict[str, Any]


@pytest.fixture
def order(bob: User, put_on_sale: Callable[..., Listing]) -> Order:
    """Two of ten watches, at 25,000.00 each."""
    watch = put_on_sale("Watch with a story", quantity=10, price_cents=2_500_000)
    return order_one(watch, buyer_id=bob.pk, quantity=2)


def changed(message: Any, **changes: Any) -> Any:
    return message.model_copy(update=changes)


def stored() -> list[Changes]:
    return [dict(row) for model in (Order, Listing, LiveEvent) for row in model._default_manager.values()]


def causes() -> list[tuple[str, str]]:
    return list(DeadLetter.objects.order_by("id").values_list("contract", "cause"))


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"total_cents": 1, "fee_cents": 0}, "the total is not the order's price and the fee"),
        ({"total_cents": 1, "fee_cents": 1}, "the total is not the order's price and the fee"),
        ({"total_cents": 5_000_101}, "the total is not the order's price and the fee"),
        ({"total_cents": 5_000_000, "fee_cents": 1}, "the total is not the order's price and the fee"),
        (
            {"total_cents": LARGEST, "fee_cents": LARGEST},
            "the total is not the order's price and the fee",
        ),
        (OTHER_LISTING, "the order is of another listing"),
        (NO_ORDER, "there is no such order"),
    ],
)
def test_a_sale_at_other_figures_than_the_orders_completes_nothing(
    order: Order, changes: Changes, cause: str
) -> None:
    before = stored()
    with facts("order.*") as mailbox:
        tasks.item_sold([changed(item_sold(order.pk), **changes)])
        assert mailbox.take() == []
    assert stored() == before
    assert causes() == [("item_sold", f"Contradiction: {cause}")]


def test_the_other_sales_of_its_batch_complete_their_orders(order: Order, bob: User) -> None:
    true = [order_one(order.listing, buyer_id=bob.pk, quantity=quantity) for quantity in (1, 3)]
    cheap = changed(item_sold(order.pk), total_cents=1, fee_cents=0)
    completed = complete_orders([item_sold(true[0].pk), cheap, item_sold(true[1].pk)])
    assert {each.order_id for each in completed} == {each.pk for each in true}
    order.refresh_from_db()
    assert order.status == "pending"
    assert DeadLetter.objects.filter(payload__total_cents=1).count() == DeadLetter.objects.count() == 1


def test_of_two_sales_in_one_batch_the_one_that_agrees_completes_the_order(order: Order) -> None:
    true = item_sold(order.pk)
    complete_orders([changed(true, total_cents=1), true, changed(true, listing_id=999_999)])
    order.refresh_from_db()
    assert (order.status, order.total_cents) == ("completed", true.total_cents)
    assert "the total is not the order's price and the fee" in causes()[0][1]


def test_sales_that_agree_cost_one_statement(
    order: Order, bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    sales = [item_sold(each.pk) for each in (order, order_one(order.listing, buyer_id=bob.pk))]
    with django_assert_num_queries(1):
        assert len(complete_orders(sales)) == 2


@pytest.mark.parametrize(
    "changes",
    [{"transaction_id": uuid7()}, {"fee_cents": 0, "total_cents": 5_000_000}],
)
def test_a_second_sale_of_a_completed_order_is_a_dead_letter_and_a_redelivery_is_none(
    order: Order, changes: Changes
) -> None:
    first = complete_orders([item_sold(order.pk)])
    before = stored()
    assert complete_orders([changed(item_sold(order.pk), **changes)]) == []
    assert causes() == [("item_sold", "Contradiction: the order is completed by another sale")]
    assert [each.event_id for each in complete_orders([item_sold(order.pk)])] == [
        each.event_id for each in first
    ]
    assert stored() == before
    assert DeadLetter.objects.count() == 1


def test_a_cancelled_order_may_be_sold_meanwhile_but_not_at_another_price(order: Order) -> None:
    Order.objects.update(status="cancelled")
    tasks.item_sold([item_sold(order.pk)])
    tasks.order_rejected([order_rejected(order.pk)])
    assert causes() == []
    tasks.item_sold([changed(item_sold(order.pk), total_cents=1)])
    tasks.order_voided([order_voided(order.pk)])
    tasks.item_sold([changed(item_sold(order.pk), transaction_id=uuid7())])
    assert [cause for _, cause in causes()] == [
        "Contradiction: the total is not the order's price and the fee",
        "Contradiction: the order is cancelled by another sale",
    ]
    assert Order.objects.get().status == "cancelled"


def sale(order: Order) -> ItemSold:
    return item_sold(order.pk)


def rejection(order: Order) -> OrderRejected:
    return order_rejected(order.pk)


def confirmation(order: Order) -> OrderVoided:
    return order_voided(order.pk)


@pytest.mark.parametrize(
    ("status", "handler", "reply", "changes", "cause"),
    [
        ("rejected", tasks.item_sold, sale, {}, "the order is rejected"),
        ("refunded", tasks.item_sold, sale, {}, "the order is refunded by another sale"),
        ("completed", tasks.order_rejected, rejection, {}, "the order is completed"),
        ("refunded", tasks.order_rejected, rejection, {}, "the order is refunded"),
        ("pending", tasks.order_rejected, rejection, OTHER_LISTING, "the order is of another listing"),
        ("pending", tasks.order_rejected, rejection, NO_ORDER, "there is no such order"),
        ("pending", tasks.order_voided, confirmation, {}, "the order is pending"),
        ("completed", tasks.order_voided, confirmation, {}, "the order is completed"),
        ("cancelled", tasks.order_voided, confirmation, OTHER_LISTING, "the order is of another listing"),
        ("cancelled", tasks.order_voided, confirmation, NO_ORDER, "there is no such order"),
    ],
)  # fmt: skip
def test_a_reply_that_does_not_fit_the_order_changes_nothing(  # a row of the table
    order: Order,
    status: str,
    handler: Callable[[list[Any]], object],
    reply: Callable[[Order], Any],
    changes: Changes,
    cause: str,
) -> None:
    figures = {"transaction_id": uuid7(), "fee_cents": 1, "total_cents": 2} if status == "completed" else {}
    Order.objects.update(status=status, **figures)
    message, before = changed(reply(order), **changes), stored()
    handler([message])
    handler([message])
    assert stored() == before
    assert [each for _, each in causes()] == [f"Contradiction: {cause}"]


def test_a_cancellation_is_confirmed_by_one_transaction_alone(order: Order) -> None:
    Order.objects.update(status="cancelled")
    first = order_voided(order.pk)
    tasks.order_voided([first, first])
    tasks.order_voided([changed(first, transaction_id=uuid7())])
    assert Order.objects.get().transaction_id == first.transaction_id
    assert causes() == [("order_voided", "Contradiction: the order is voided by another transaction")]
