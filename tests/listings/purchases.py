"""Orders as buyers make them."""

from listings.buying.place import Purchase
from listings.buying.purchase import buy_listing
from listings.models import Listing, Order
from microstore.telemetry.tracing import new_trace


def order_one(listing: Listing, *, buyer_id: int, quantity: int = 1) -> Order:
    """Buy it by the service, and read the order that is stored."""
    order, _ = buy_listing(Purchase(listing.pk, buyer_id, quantity, new_trace()))
    return Order.objects.get(pk=order.id)
