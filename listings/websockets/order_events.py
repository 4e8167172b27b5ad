"""Events of `/ws/orders/`, read from the database."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from listings import queries
from listings.live.frames import CheckoutEvent, OrderEvent
from listings.models import LiveEvent, Order
from listings.orders.checkouts import PlacedCheckout, find_checkouts
from listings.orders.serializers import CheckoutSummarySerializer, OrderSerializer
from microstore.contracts.listings import CHECKOUT_SETTLED

PAGE = 500
RESUMABLE_EVENTS = 10_000  # of the whole shop; further back it is cheaper to read the orders again


class Missed(NamedTuple):
    """A page of events that a user has missed, and the seq after which the next begins; None for the last."""

    events: list[dict[str, Any]]
    next_after: int | None


def read_orders(seqs: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the orders of these ids as the API shows them now, with their events' seqs, oldest first."""
    orders = Order.objects.filter(id__in=list(seqs)).select_related("listing")
    return sorted((_as_event(order, seqs[str(order.pk)]) for order in orders), key=lambda event: event["seq"])


def read_checkouts(seqs: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the checkouts of these ids as they are now, with their events' seqs, oldest first."""
    checkouts = find_checkouts(map(UUID, seqs)).values()
    return sorted(
        (_of_checkout(each, seqs[str(each.id)]) for each in checkouts), key=lambda event: event["seq"]
    )


def find_missed(user_id: int, after: int) -> Missed:
    """Return the user's own among the next events of the shop after this seq."""
    # Events hold no user, so a page of the shop's is read and its orders are compared with the user's.
    page = LiveEvent.objects.filter(seq__gt=after).order_by("seq").values_list("seq", "order_id", "type")
    events = list(page[:PAGE])
    own = queries.orders_of(user_id).in_bulk([order_id for _, order_id, _ in events])
    checkouts = find_checkouts(
        own[order_id].checkout_id
        for _, order_id, kind in events
        if kind == CHECKOUT_SETTLED.name and order_id in own and own[order_id].buyer_id == user_id
    )
    missed = [
        event
        for seq, order_id, kind in events
        if order_id in own and (event := _missed(own[order_id], kind, seq, checkouts))
    ]
    return Missed(missed, events[-1][0] if len(events) == PAGE else None)


def _missed(
    order: Order, kind: str, seq: int, checkouts: Mapping[UUID | None, PlacedCheckout]
) -> dict[str, Any] | None:
    if kind != CHECKOUT_SETTLED.name:
        return _as_event(order, seq)
    checkout = checkouts.get(order.checkout_id)  # none for the seller of its first order
    return _of_checkout(checkout, seq) if checkout else None


def _as_event(order: Order, seq: int) -> dict[str, Any]:
    return OrderEvent(seq=seq, **OrderSerializer(order).data).to_client()


def _of_checkout(checkout: PlacedCheckout, seq: int) -> dict[str, Any]:
    return CheckoutEvent(
        seq=seq,
        buyer_id=checkout.orders[0].buyer_id,
        orders=len(checkout.orders),
        completed=len(checkout.bought),
        **CheckoutSummarySerializer(checkout).data,
    ).to_client()
