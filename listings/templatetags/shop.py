"""Filters that the shop's templates use."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.forms.utils import flatatt
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from listings.accounts.devices import name_device
from listings.buying.quotes import ItemQuote
from listings.models import Listing, Order
from listings.money import format_amount
from listings.orders.checkouts import PlacedCheckout

register = template.Library()

MAX_SHOWN = 99

register.filter("money", format_amount)
register.filter("device_name", name_device)


@register.simple_tag
def marked(problems: object, name: str, *, hint: bool = False) -> SafeString:
    """Return the attributes of a field with these problems, which `field_errors.html` shows by its name."""
    described = [f"{name}-hint"] * hint + [f"{name}-wrong"] * bool(problems)
    invalid = {"aria-invalid": "true", "autofocus": True} if problems else {}
    return flatatt({"aria-describedby": " ".join(described) or None} | invalid)


@register.filter
def written_time(at: datetime) -> str:
    """Return a time as the page's language writes it: `29 Nov 2026, 23:11`, or `29. Nov. 2026, 23:11`."""
    return date_format(at, gettext("j M Y, H:i"))


@register.filter
def stock_words(available: int) -> str:
    """Return the stock as a card shows it."""
    # static/shop/live.js replaces this text by the same words when a piece is sold.
    if available > 1:
        return gettext("{count} left").format(count=available)
    return gettext("Last one") if available else gettext("Sold out")


@register.filter
def ordered_words(listing: Listing) -> str:
    """Return how many of a listing's pieces are ordered, settled or not."""
    ordered = listing.quantity - listing.available
    return gettext("{ordered} of {all} ordered").format(ordered=ordered, all=listing.quantity)


@register.filter("total")
def write_total(quote: ItemQuote) -> str:
    """Return what a quantity costs in all; the price alone where the fee is unknown."""
    cents = quote.price_cents if quote.total_cents is None else quote.total_cents
    return format_amount(cents, quote.listing.currency)


@register.filter("total_parts")
def write_parts(quote: ItemQuote) -> str:
    """Return what a total consists of, or why its fee is unknown."""
    if quote.fee_cents is None:
        return quote.reason
    price = format_amount(quote.listing.price_cents, quote.listing.currency)
    if quote.quantity > 1:
        price = f"{quote.quantity} × {price}"
    fee = format_amount(quote.fee_cents, quote.listing.currency)
    return gettext("{price} and a fee of {fee}").format(price=price, fee=fee)


@register.filter
def of(mapping: Mapping[Any, Any], key: object) -> Any:
    """Return what a mapping has under the key, or None."""
    return mapping.get(key)


@register.filter
def checkout_words(checkout: PlacedCheckout) -> str:
    """Return how far a checkout is: how many of its orders are completed, and how many still pending."""
    orders = checkout.orders
    pending = sum(order.status == Order.Status.PENDING for order in orders)
    words = gettext("{completed} of {orders} completed")
    if pending:
        words = gettext("{completed} of {orders} completed, {pending} pending")
    return words.format(completed=len(checkout.bought), orders=len(orders), pending=pending)


@register.filter
def bell_count(unread: int) -> str:
    """Return the number beside the bell or the cart, empty for 0."""
    # static/shop/bell.js writes the same.
    if unread > MAX_SHOWN:
        return f"{MAX_SHOWN}+"
    return str(unread or "")


@register.filter
def bell_words(unread: int) -> str:
    """Return the label of the bell for screen readers, as static/shop/bell.js writes it."""
    return gettext("Notifications, {count} unread").format(count=bell_count(unread) or gettext("none"))
