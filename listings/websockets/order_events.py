"""What `/ws/orders/` says of orders, out of the database."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from listings import queries
from listings.models import LiveEvent, Order
from listings.orders.serializers import OrderSerializer

PAGE = 500
RESUMABLE_EVENTS = 10_000  # of the whole shop; further back it is cheaper to read the orders again


class Missed(NamedTuple):
    """A page of what a user has missed, and after which seq the next one begins; None: that was all."""

    orders: list[dict[str, Any]]
    next_after: int | None


def tell_of_orders(seqs: Mapping[str, int]) -> list[dict[str, Any]]:
    """The orders as the API shows them, with the seqs of their events, oldest first; as they are now."""
    orders = Order.objects.filter(id__in=list(seqs)).select_related("listing")
    return sorted((_as_event(order, seqs[str(order.pk)]) for order in orders), key=lambda said: said["seq"])


def find_missed(user_id: int, after: int) -> Missed:
    """What has happened to the user's orders after this seq, among the next events of the shop."""
    events = dict(
        LiveEvent.objects.filter(seq__gt=after).order_by("seq").values_list("seq", "order_id")[:PAGE]
    )
    own = queries.orders_of(user_id).filter(id__in=events.values()).in_bulk()
    told = [_as_event(own[order_id], seq) for seq, order_id in events.items() if order_id in own]
    return Missed(told, max(events) if len(events) == PAGE else None)


def newest_seq() -> int:
    """That of the latest event; 0 where there is none."""
    return LiveEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0


def _as_event(order: Order, seq: int) -> dict[str, Any]:
    shown = {name: _plain(value) for name, value in OrderSerializer(order).data.items()}
    return {"type": "order", "seq": seq, **shown}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value
