"""What the templates of staff ask."""

from django import template
from django.contrib.auth.models import User

register = template.Library()


@register.filter
def may(user: User, permission: str) -> bool:
    """Whether the user has the permission, if one is needed."""
    return not permission or user.has_perm(permission)


@register.filter
def unlocalized(number: float) -> str:
    """A number as SVG wants it."""
    return f"{number:g}"
