"""Tags of the shop's templates."""

from django import template

from listings.models import Order
from listings.money import format_amount

register = template.Library()

MAX_SHOWN = 99

STATUS_WORDS = {
    Order.Status.PENDING: "Pending",
    Order.Status.COMPLETED: "Completed",
    Order.Status.REJECTED: "Rejected",
    Order.Status.CANCELLED: "Cancelled",
    Order.Status.REFUNDED: "Refunded",
}

register.filter("money", format_amount)


@register.filter
def stock_words(available: int) -> str:
    """What a card says of the stock; static/shop/live.js says it in the same words."""
    if available > 1:
        return f"{available} left"
    return "Last one" if available else "Sold"


@register.filter
def bell_count(unread: int) -> str:
    """The number at the bell, where there is one; static/shop/bell.js writes the same."""
    if unread > MAX_SHOWN:
        return f"{MAX_SHOWN}+"
    return str(unread or "")


@register.filter
def bell_words(unread: int) -> str:
    """What the bell says to those who do not see it; so does static/shop/bell.js."""
    return f"Notifications, {bell_count(unread) or 'none'} unread"
