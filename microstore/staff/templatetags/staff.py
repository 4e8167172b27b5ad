"""Template filters for permissions, numbers and texts."""

import re

from django import template
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString, mark_safe

from microstore.staff.models import StaffAction
from microstore.staff.money import show_amount

register = template.Library()

SHOWN_ACTIONS = 100


@register.filter
def may(user: User, permission: str) -> bool:
    """Return whether the user has the permission; an empty one is granted to all."""
    return not permission or user.has_perm(permission)


@register.filter
def staff_actions(row: Model) -> QuerySet[StaffAction]:
    """Return the latest actions of staff about a row, as their targets name it."""
    target = f"{row._meta.verbose_name} {row.pk}"
    return StaffAction.objects.filter(target=target).order_by("-id")[:SHOWN_ACTIONS]


@register.filter
def amount(cents: int | None, currency: str) -> str:
    """Return minor units with their currency."""
    return show_amount(cents, currency)


@register.filter
def unlocalized(number: float) -> str:
    """Return a number as SVG requires it, with a decimal point in every language."""
    return f"{number:g}"


@register.filter
def code_spans(text: str) -> SafeString:
    """Return a text with what stands between backticks as `<code>`."""
    return mark_safe(re.sub("`([^`]+)`", r"<code>\1</code>", conditional_escape(text)))  # noqa: S308  # escaped
