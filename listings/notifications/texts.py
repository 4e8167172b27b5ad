"""Texts of notifications and subjects of e-mails."""

from typing import TypeAlias

from listings.notifications.models import Notification

Kind: TypeAlias = Notification.Kind
Role: TypeAlias = Notification.Role
TITLE_CHARACTERS = 200

TEXTS = {
    (Kind.ORDER_COMPLETED, Role.BUYER): "You bought {thing} for {total}.",
    (Kind.ORDER_COMPLETED, Role.SELLER): "You sold {thing}.",
    (Kind.ORDER_REJECTED, Role.BUYER): "Your order of {thing} was rejected: {reason}.",
    (Kind.ORDER_REJECTED, Role.SELLER): "An order of {thing} was rejected: {reason}. It is on sale again.",
    (Kind.ORDER_CANCELLED, Role.BUYER): "You cancelled your order of {thing}.",
    (Kind.ORDER_CANCELLED, Role.SELLER): "An order of {thing} was cancelled. It is on sale again.",
}
SUBJECTS = {
    (Kind.ORDER_COMPLETED, Role.BUYER): "Your purchase",
    (Kind.ORDER_COMPLETED, Role.SELLER): "A sale",
    (Kind.ORDER_REJECTED, Role.BUYER): "Your order was rejected",
    (Kind.ORDER_REJECTED, Role.SELLER): "An order was rejected",
    (Kind.ORDER_CANCELLED, Role.BUYER): "Your order is cancelled",
    (Kind.ORDER_CANCELLED, Role.SELLER): "An order was cancelled",
}


def subject_of(notification: Notification) -> str:
    """Return the subject of the notification's e-mail, at most TITLE_CHARACTERS long."""
    # On one line: a title may hold line breaks, and a header with one is refused.
    subject = SUBJECTS[Kind(notification.kind), Role(notification.role)]
    return " ".join(f"{subject}: {notification.order.item.title}".split())[:TITLE_CHARACTERS]
