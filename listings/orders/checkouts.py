"""Checkouts as their buyers see them: orders that were made together, and what was bought by them."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext

from listings.models import Order
from listings.orders.order_steps import SOLD
from listings.refusals import OrderNotFound


class Totals(NamedTuple):
    """Sums of completed orders in one currency, in its minor unit."""

    currency: str
    price_cents: int
    fee_cents: int
    total_cents: int
    refunded_cents: int


@dataclass(frozen=True)
class PlacedCheckout:
    """The orders of a checkout, in the order of its items; at least one."""

    orders: Sequence[Order]

    @property
    def id(self) -> UUID | None:
        """The id that all of its orders have."""
        return self.orders[0].checkout_id

    @property
    def trace_id(self) -> str:
        """The trace id of the request that made it."""
        return self.orders[0].trace_id

    @property
    def created_at(self) -> datetime:
        """When it was made."""
        return self.orders[0].created_at

    @property
    def is_open(self) -> bool:
        """Whether one of its orders is pending."""
        return any(order.status == Order.Status.PENDING for order in self.orders)

    @property
    def status(self) -> str:
        """`open` while one of its orders is pending, then `settled`."""
        return "open" if self.is_open else "settled"

    @property
    def settled_at(self) -> datetime | None:
        """When its last order left `pending`; None while it is open."""
        return None if self.is_open else max(order.settled_at for order in self.orders if order.settled_at)

    @cached_property
    def bought(self) -> Sequence[Order]:
        """Those of its orders that are completed, whatever was refunded since."""
        return [order for order in self.orders if order.status in SOLD]

    @cached_property
    def totals(self) -> list[Totals]:
        """Sums of what is completed, one for each currency."""
        sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for order in self.bought:
            fee, total = order.fee_cents or 0, order.total_cents or 0
            figures = (total - fee, fee, total, order.refunded_cents)
            sums[order.currency] = [
                so_far + more for so_far, more in zip(sums[order.currency], figures, strict=True)
            ]
        return [Totals(currency, *sums[currency]) for currency in sorted(sums)]


def find_checkout(checkout_id: UUID, orders: QuerySet[Order]) -> PlacedCheckout:
    """Return the checkout that these orders of a buyer have; raises OrderNotFound."""
    together = list(orders.filter(checkout_id=checkout_id).order_by("id"))
    if not together:
        raise OrderNotFound(gettext("You have no such checkout."))
    return PlacedCheckout(together)


def find_checkouts(checkout_ids: Iterable[UUID | None]) -> dict[UUID | None, PlacedCheckout]:
    """Return the checkouts of these ids, by one query; None is no checkout."""
    ids = {checkout_id for checkout_id in checkout_ids if checkout_id}
    together: dict[UUID | None, list[Order]] = defaultdict(list)
    for order in Order.objects.filter(checkout_id__in=ids).order_by("id") if ids else ():
        together[order.checkout_id].append(order)
    return {checkout_id: PlacedCheckout(orders) for checkout_id, orders in together.items()}
