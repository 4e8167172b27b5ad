"""Tags of the shop's templates."""

from django import template

from listings.models import Order
from listings.money import written

register = template.Library()

STATUS_WORDS = {
    Order.Status.PENDING: "Pending",
    Order.Status.COMPLETED: "Completed",
    Order.Status.REJECTED: "Rejected",
    Order.Status.CANCELLED: "Cancelled",
    Order.Status.REFUNDED: "Refunded",
}

register.filter("money", written)


@register.filter
def stock_words(available: int) -> str:
    """What a card says of the stock; static/shop/live.js says it in the same words."""
    if available > 1:
        return f"{available} left"
    return "Last one" if available else "Sold"
