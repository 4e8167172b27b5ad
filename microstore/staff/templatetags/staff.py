"""Template filters for permissions and numbers."""

from django import template
from django.contrib.auth.models import User

from microstore.staff.money import show_amount

register = template.Library()


@register.filter
def may(user: User, permission: str) -> bool:
    """Return whether the user has the permission; an empty one is granted to all."""
    return not permission or user.has_perm(permission)


@register.filter
def amount(cents: int | None, currency: str) -> str:
    """Return minor units with their currency."""
    return show_amount(cents, currency)


@register.filter
def unlocalized(number: float) -> str:
    """Return a number as SVG requires it, with a decimal point in every language."""
    return f"{number:g}"
