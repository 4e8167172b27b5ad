"""Notifications of orders: storing, sending by e-mail, marking as read."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple, TypeAlias
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Coalesce
from django.utils import timezone, translation
from django.utils.translation import gettext

from listings.accounts.addresses import verified_users
from listings.live import push
from listings.messages import order_id_of
from listings.models import Order, Profile, Refund
from listings.notifications.mail import send_emails
from listings.notifications.models import Email, Notification
from listings.notifications.texts import TEXTS
from listings.refusals import NotificationNotFound
from microstore.contracts.contract import Message
from microstore.contracts.listings import OrderRejected, RefundCompleted
from microstore.database.bulk_insert import insert_new
from microstore.staff.money import show_amount

Kind: TypeAlias = Notification.Kind
Role: TypeAlias = Notification.Role


def notify(kind: Kind, facts: Sequence[Message]) -> None:
    """Notify buyer and seller of each fact: in the database, on their open pages and by e-mail.

    Idempotent: a fact that is delivered again stores nothing and sends only the e-mails not sent yet.
    Raises Unavailable while the mail server does not answer; the notifications are stored by then.
    """
    announce(store_notifications(rows_of(kind, facts)))


def announce(recipients: Mapping[int, int]) -> None:
    """Send hints of stored notifications to open pages, then their e-mails; recipients are by their id.

    Raises Unavailable while the mail server does not answer.
    """
    # After the commit, since a page reads the number of unread ones as soon as it has the hint; before the
    # e-mails, since a mail server that is down ends this with an exception.
    push.push_notification_hints(recipients.values())
    send_emails(list(recipients))


def rows_of(kind: Kind, facts: Sequence[Message]) -> list["NewRow"]:
    """Return the notifications of buyer and seller of each fact."""
    orders, reasons = _orders_of(facts), _reasons_of(facts)
    people = [person for order in orders.values() for person in (order.buyer_id, order.seller_id)]
    languages = languages_of(people)
    return [
        row
        for fact in facts
        if (order := orders.get(order_id_of(fact))) and not _is_out_of_date(kind, order)
        for row in _rows_of(kind, fact, order, reason=reasons.get(fact.event_id, ""), languages=languages)
    ]


def store_notifications(rows: Sequence["NewRow"]) -> dict[int, int]:
    """Store the notifications, each with an e-mail where wanted; return recipients by their id.

    Includes those stored by an earlier delivery, whose e-mail may not have been sent.
    """
    with transaction.atomic():
        insert_new(Notification, rows, key="event_id")
        # Not only the rows just inserted: a fact that is delivered again finds all of them here, and those of
        # its e-mails that are still unsent are sent by the caller.
        stored = Notification.objects.filter(event_id__in={row.event_id for row in rows})
        ids = dict(stored.values_list("id", "recipient_id"))
        wanted = _recipients_by_email(ids.values())
        emails = [Email(notification_id=key) for key, recipient in ids.items() if recipient in wanted]
        Email.objects.bulk_create(emails, ignore_conflicts=True)
    return ids


def read_notification(notification_id: int, *, recipient_id: int) -> Notification:
    """Mark the recipient's notification as read and return it; the time of the first reading is kept.

    Raises NotificationNotFound, also for the notifications of others.
    """
    own = Notification.objects.filter(id=notification_id, recipient_id=recipient_id)
    own.filter(read_at=None).update(read_at=timezone.now())
    notification = own.select_related("order").first()
    if notification is None:
        raise NotificationNotFound(gettext("You have no such notification."))
    return notification


def read_all(*, recipient_id: int) -> None:
    """Mark all notifications of the recipient as read."""
    unread = Notification.objects.filter(recipient_id=recipient_id, read_at=None)
    unread.update(read_at=timezone.now())


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


class NewRow(NamedTuple):
    """A row to insert into the table of notifications."""

    recipient_id: int
    event_id: UUID
    kind: str
    role: str
    order_id: UUID
    text: str


def _is_out_of_date(kind: Kind, order: Bought) -> bool:
    # The buyer cancelled before it was rejected, and both are notified of that.
    return kind == Kind.ORDER_REJECTED and order.status == Order.Status.CANCELLED


def _orders_of(facts: Iterable[Message]) -> dict[UUID, Bought]:
    # A past edition is there where the seller has changed the listing after the sale.
    orders = Order.objects.annotate(title=Coalesce("past_edition__title", "listing__title"))
    found = orders.filter(id__in=[order_id_of(fact) for fact in facts]).values_list(
        *(
            "id",
            "checkout_id",
            "buyer_id",
            "listing__seller_id",
            "status",
            "quantity",
            "title",
            "total_cents",
            "currency",
        ),
    )
    return {order.order_id: order for order in map(Bought._make, found)}


def _reasons_of(facts: Iterable[Message]) -> dict[UUID, str]:
    """Return the reasons of rejections and refunds by the id of the fact."""
    refunds = {fact.refund_id: fact.event_id for fact in facts if isinstance(fact, RefundCompleted)}
    # Not the message's, which may have waited: as the titles it is deleted with an account.
    stored = Refund.objects.filter(id__in=refunds).values_list("id", "reason")
    rejections = {fact.event_id: fact.reason for fact in facts if isinstance(fact, OrderRejected)}
    return rejections | {refunds[refund_id]: reason for refund_id, reason in stored}


def languages_of(user_ids: Iterable[int]) -> dict[int, str]:
    """Return the languages that the users have chosen, by their ids; without one it is English."""
    chosen = Profile.objects.filter(user__in=set(user_ids)).exclude(language="")
    return dict(chosen.values_list("user_id", "language"))


def _rows_of(
    kind: Kind, fact: Message, order: Bought, *, reason: str, languages: Mapping[int, str]
) -> list[NewRow]:
    refunded_cents = fact.amount_cents if isinstance(fact, RefundCompleted) else 0
    values = {
        "refunded": show_amount(refunded_cents, order.currency),
        "thing": f"{order.quantity} × {order.title}",
        "total": show_amount(order.total_cents or 0, order.currency),
        "reason": reason.rstrip("."),
    }
    people = [(Role.SELLER, order.seller_id)]
    # A checkout is one thing to its buyer, who is notified once all of it is settled; of refunds at once.
    if order.checkout_id is None or kind == Kind.ORDER_REFUNDED:
        people.insert(0, (Role.BUYER, order.buyer_id))
    return [
        NewRow(
            recipient_id=person,
            event_id=fact.event_id,
            kind=kind.value,
            role=role.value,
            order_id=order.order_id,
            text=_text_of(kind, role, languages.get(person)).format_map(values),
        )
        for role, person in people
    ]


@cache  # two a purchase: to activate a language and look a text up takes 8 µs
def _text_of(kind: Kind, role: Role, language: str | None) -> str:
    with translation.override(language or settings.LANGUAGE_CODE):
        return translation.gettext(TEXTS[kind, role])


def _recipients_by_email(user_ids: Iterable[int]) -> set[int]:
    wanted = verified_users().filter(id__in=set(user_ids), profile__email_notifications=True)
    return set(wanted.values_list("id", flat=True))
