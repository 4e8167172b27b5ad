"""Notifications of orders: for buyer and seller, when one is settled, cancelled or refunded."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple, TypeAlias
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import translation

from listings.live import push
from listings.messages import order_id_of
from listings.models import Order, Refund
from listings.notifications.mail import send_emails
from listings.notifications.models import Notification
from listings.notifications.store import NewRow, Stored, store_notifications
from listings.notifications.texts import TEXTS, write_amount
from microstore.contracts.contract import Message
from microstore.contracts.listings import OrderRejected, RefundCompleted

Kind: TypeAlias = Notification.Kind
Role: TypeAlias = Notification.Role

# Of the past edition, where the seller has changed the listing after the sale. In SQL, since the ORM would
# join users to their profiles: to compile and plan that takes five times as long as all of this (measured).
READ = """
SELECT placed.id, placed.checkout_id, buyer_id, seller_id, placed.status, placed.quantity,
    coalesce(past.title, listing.title), total_cents, placed.currency, buyer.language, seller.language
FROM listings_order placed JOIN listings_listing listing ON listing.id = placed.listing_id
    LEFT JOIN listings_listingedition past
        ON past.listing_id = placed.listing_id AND past.edition = placed.edition
    LEFT JOIN listings_profile buyer ON buyer.user_id = buyer_id
    LEFT JOIN listings_profile seller ON seller.user_id = seller_id
WHERE placed.id = ANY(%s::uuid[])
"""


class Bought(NamedTuple):
    """The columns of an order that its notifications need."""

    order_id: UUID
    checkout_id: UUID | None
    buyer_id: int
    seller_id: int
    status: str
    quantity: int
    title: str
    total_cents: int | None
    currency: str
    buyer_language: str | None  # chosen by the buyer; empty or None: none
    seller_language: str | None


def notify(kind: Kind, facts: Sequence[Message]) -> None:
    """Notify buyer and seller of each fact: in the database, on their open pages and by e-mail.

    Idempotent: a fact that is delivered again stores nothing and sends only the e-mails not sent yet.
    Raises Unavailable while the mail server does not answer; the notifications are stored by then.
    """
    orders, reasons = _orders_of(facts), _reasons_of(facts)
    rows = [
        row
        for fact in facts
        if (order := orders.get(order_id_of(fact))) and not _is_out_of_date(kind, order)
        for row in _rows_of(kind, fact, order, reason=reasons.get(fact.event_id, ""))
    ]
    announce(store_notifications(rows))


def announce(stored: Stored) -> None:
    """Send hints of stored notifications to open pages, then their e-mails.

    Raises Unavailable while the mail server does not answer.
    """
    # After the commit, since a page reads the number of unread ones as soon as it has the hint; before the
    # e-mails, since a mail server that is down ends this with an exception.
    push.push_notification_hints(stored.recipients)
    if stored.unsent:
        send_emails(stored.unsent)


def _is_out_of_date(kind: Kind, order: Bought) -> bool:
    # The buyer cancelled before it was rejected, and both are notified of that.
    return kind == Kind.ORDER_REJECTED and order.status == Order.Status.CANCELLED


def _orders_of(facts: Iterable[Message]) -> dict[UUID, Bought]:
    with connection.cursor() as cursor:
        cursor.execute(READ, [[order_id_of(fact) for fact in facts]])
        return {row[0]: Bought(*row) for row in cursor.fetchall()}


def _reasons_of(facts: Iterable[Message]) -> dict[UUID, str]:
    """Return the reasons of rejections and refunds by the id of the fact."""
    rejections = {fact.event_id: fact.reason for fact in facts if isinstance(fact, OrderRejected)}
    refunds = {fact.refund_id: fact.event_id for fact in facts if isinstance(fact, RefundCompleted)}
    if not refunds:
        return rejections
    # Not the message's, which may have waited: as the titles it is deleted with an account.
    stored = Refund.objects.filter(id__in=refunds).values_list("id", "reason")
    return {refunds[refund_id]: reason for refund_id, reason in stored}


def _rows_of(kind: Kind, fact: Message, order: Bought, *, reason: str) -> list[NewRow]:
    refunded_cents = fact.amount_cents if isinstance(fact, RefundCompleted) else 0
    values = {
        "thing": f"{order.quantity} × {order.title}",
        "reason": reason.rstrip("."),
    }
    people = [(Role.SELLER, order.seller_id, order.seller_language)]
    # A checkout is one thing to its buyer, who is notified once all of it is settled; of refunds at once.
    if order.checkout_id is None or kind == Kind.ORDER_REFUNDED:
        people.insert(0, (Role.BUYER, order.buyer_id, order.buyer_language))
    return [
        NewRow(
            recipient_id=person,
            event_id=fact.event_id,
            kind=kind.value,
            role=role.value,
            order_id=order.order_id,
            text=_text_of(kind, role, language).format_map(
                values | _amounts(order, refunded_cents, language)
            ),
        )
        for role, person, language in people
    ]


def _amounts(order: Bought, refunded_cents: int, language: str | None) -> dict[str, str]:
    return {
        "refunded": write_amount(refunded_cents, order.currency, language),
        "total": write_amount(order.total_cents or 0, order.currency, language),
    }


@cache  # two a purchase: to activate a language and look a text up takes 8 µs
def _text_of(kind: Kind, role: Role, language: str | None) -> str:
    with translation.override(language or settings.LANGUAGE_CODE):
        return translation.gettext(TEXTS[kind, role])
