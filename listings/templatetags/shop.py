"""Filters that the shop's templates use."""

from collections.abc import Mapping
from typing import Any

from django import template

from listings.models import Listing, Order
from listings.money import format_amount
from listings.orders.checkouts import PlacedCheckout

register = template.Library()

MAX_SHOWN = 99

register.filter("money", format_amount)


@register.filter
def stock_words(available: int) -> str:
    """Return the stock as a card shows it."""
    # static/shop/live.js replaces this text by the same words when a piece is sold.
    if available > 1:
        return f"{available} left"
    return "Last one" if available else "Sold out"


@register.filter
def ordered_words(listing: Listing) -> str:
    """Return how many of a listing's pieces are ordered, settled or not."""
    return f"{listing.quantity - listing.available} of {listing.quantity} ordered"


@register.filter
def of(mapping: Mapping[Any, Any], key: object) -> Any:
    """Return what a mapping has under the key, or None."""
    return mapping.get(key)


@register.filter
def checkout_words(checkout: PlacedCheckout) -> str:
    """Return how far a checkout is: how many of its orders are completed, and how many still pending."""
    orders = checkout.orders
    pending = sum(order.status == Order.Status.PENDING for order in orders)
    words = f"{len(checkout.bought)} of {len(orders)} completed"
    return f"{words}, {pending} pending" if pending else words


@register.filter
def bell_count(unread: int) -> str:
    """Return the number beside the bell, empty if nothing is unread."""
    # static/shop/bell.js writes the same.
    if unread > MAX_SHOWN:
        return f"{MAX_SHOWN}+"
    return str(unread or "")


@register.filter
def bell_words(unread: int) -> str:
    """Return the label of the bell for screen readers, as static/shop/bell.js writes it."""
    return f"Notifications, {bell_count(unread) or 'none'} unread"
