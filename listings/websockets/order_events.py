"""Events of `/ws/orders/`, read from the database."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from listings import queries
from listings.live.frames import OrderEvent
from listings.models import LiveEvent, Order
from listings.orders.serializers import OrderSerializer

PAGE = 500
RESUMABLE_EVENTS = 10_000  # of the whole shop; further back it is cheaper to read the orders again


class Missed(NamedTuple):
    """A page of events that a user has missed, and the seq after which the next begins; None for the last."""

    orders: list[dict[str, Any]]
    next_after: int | None


def read_orders(seqs: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the orders of these ids as the API shows them now, with their events' seqs, oldest first."""
    orders = Order.objects.filter(id__in=list(seqs)).select_related("listing")
    return sorted((_as_event(order, seqs[str(order.pk)]) for order in orders), key=lambda event: event["seq"])


def find_missed(user_id: int, after: int) -> Missed:
    """Return the user's own among the next events of the shop after this seq."""
    # Events hold no user, so a page of the shop's is read and its orders are compared with the user's.
    events = dict(
        LiveEvent.objects.filter(seq__gt=after).order_by("seq").values_list("seq", "order_id")[:PAGE]
    )
    own = queries.orders_of(user_id).filter(id__in=events.values()).in_bulk()
    missed = [_as_event(own[order_id], seq) for seq, order_id in events.items() if order_id in own]
    return Missed(missed, max(events) if len(events) == PAGE else None)


def newest_seq() -> int:
    """Return the seq of the latest event; 0 without events."""
    return LiveEvent.objects.order_by("-seq").values_list("seq", flat=True).first() or 0


def _as_event(order: Order, seq: int) -> dict[str, Any]:
    return OrderEvent(seq=seq, **OrderSerializer(order).data).to_client()
