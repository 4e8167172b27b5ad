"""A property: in whatever order and however often messages come, nothing is sold twice or lost."""

from collections.abc import Callable
from contextlib import nullcontext

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from listings.models import Listing, LiveEvent, Order
from listings.refusals import AlreadySettled, SoldOut
from listings.settling.cancel import cancel_order, confirm_cancellations
from listings.settling.complete import complete_orders
from listings.settling.release import reject_orders
from tests.listings.purchases import order_one
from tests.listings.replies import item_sold, order_rejected, order_voided

pytestmark = pytest.mark.django_db

LAMPS = 10
RESERVED = ("pending", "completed")

numbers = st.integers(min_value=0, max_value=6)  # of an order; where there are fewer, of one that nobody made
buying = st.tuples(st.just("buy"), st.lists(st.integers(min_value=1, max_value=4), min_size=1, max_size=1))
settling = st.tuples(st.sampled_from(["sold", "rejected", "voided"]), st.lists(numbers, max_size=6))
cancelling = st.tuples(st.just("cancel"), st.lists(numbers, min_size=1, max_size=1))


class Shop:
    """Ten lamps, their orders, and what each order was first told, by a message or by its buyer."""

    def __init__(self, lamp: Listing, buyer: User) -> None:
        self.lamp, self.buyer = lamp, buyer
        self.orders: list[Order] = []
        self.first_told: dict[int, str] = {}

    def act(self, kind: str, values: list[int]) -> None:
        if kind == "buy":
            self.buy(values[0])
        elif kind == "cancel":
            self.cancel(values[0])
        else:
            self.settle(kind, values)

    def buy(self, quantity: int) -> None:
        left = self.available()
        try:
            order = order_one(self.lamp, buyer_id=self.buyer.pk, quantity=quantity)
        except SoldOut:
            assert quantity > left
        else:
            assert quantity <= left
            self.orders.append(order)

    def cancel(self, number: int) -> None:
        if number >= len(self.orders):
            return
        may = self.first_told.setdefault(number, "cancelled") == "cancelled"
        with nullcontext() if may else pytest.raises(AlreadySettled):
            cancel_order(self.orders[number].pk, buyer_id=self.buyer.pk)

    def settle(self, kind: str, numbers: list[int]) -> None:
        known = [number for number in numbers if number < len(self.orders)]
        ids = [self.orders[number].pk if number in known else uuid7() for number in numbers]
        if kind == "voided":
            confirm_cancellations([order_voided(order_id) for order_id in ids])
            return
        for number in known:
            self.first_told.setdefault(number, "completed" if kind == "sold" else "rejected")
        if kind == "rejected":
            reject_orders([order_rejected(order_id) for order_id in ids])
            return
        told = complete_orders([item_sold(order_id) for order_id in ids])
        completed = {number for number in known if self.first_told[number] == "completed"}
        assert {fact.order_id for fact in told} == {self.orders[number].pk for number in completed}

    def available(self) -> int:
        return Listing.objects.get(pk=self.lamp.pk).available

    def check(self) -> None:
        orders = [Order.objects.get(pk=order.pk) for order in self.orders]
        assert [order.status for order in orders] == [
            self.first_told.get(number, "pending") for number in range(len(orders))
        ]
        reserved = sum(order.quantity for order in orders if order.status in RESERVED)
        assert self.available() + reserved == LAMPS
        assert LiveEvent.objects.filter(type="item_sold").count() == sum(
            order.status == "completed" for order in orders
        )


@settings(max_examples=60)
@given(steps=st.lists(buying | settling | cancelling, max_size=15))
def test_stock_and_orders_agree_whatever_comes(
    put_on_sale: Callable[..., Listing], bob: User, steps: list[tuple[str, list[int]]]
) -> None:
    with transaction.atomic():
        shop = Shop(put_on_sale("Reading lamp", quantity=LAMPS), bob)
        for kind, values in steps:
            shop.act(kind, values)
            shop.check()
        transaction.set_rollback(True)
