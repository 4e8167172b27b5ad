"""Handlers of the notifications worker, one for each fact and command of its queue."""

from collections.abc import Sequence

from listings.notifications.account_mail import send_account_mails
from listings.notifications.checkouts import notify_of_checkouts
from listings.notifications.models import Notification
from listings.notifications.orders import notify
from microstore.contracts.contract import Message
from microstore.contracts.listings import (
    CHECKOUT_SETTLED,
    ORDER_COMPLETED,
    ORDER_REJECTED,
    REFUND_COMPLETED,
    CheckoutSettled,
    OrderCompleted,
    OrderRejected,
    RefundCompleted,
)
from microstore.contracts.notifications import MAIL_ACCOUNT, NOTIFICATIONS, AccountMail
from microstore.contracts.transactions import ORDER_CANCELLED, ORDER_CREATED, OrderCancelled, OrderCreated
from microstore.messaging.receiving.consumer import handles, handles_fact

Kind = Notification.Kind


@handles_fact(ORDER_CREATED, listener=NOTIFICATIONS)
def order_created(events: list[OrderCreated]) -> Sequence[Message]:
    # No notification: the order is settled a second or so later, and both are notified of that. The queue is
    # bound to `order.*`, so the fact arrives nevertheless and needs a handler.
    return []


@handles_fact(ORDER_COMPLETED, listener=NOTIFICATIONS)
def order_completed(events: list[OrderCompleted]) -> Sequence[Message]:
    notify(Kind.ORDER_COMPLETED, events)
    return []


@handles_fact(ORDER_REJECTED, listener=NOTIFICATIONS)
def order_rejected(events: list[OrderRejected]) -> Sequence[Message]:
    notify(Kind.ORDER_REJECTED, events)
    return []


@handles_fact(ORDER_CANCELLED, listener=NOTIFICATIONS)
def order_cancelled(events: list[OrderCancelled]) -> Sequence[Message]:
    notify(Kind.ORDER_CANCELLED, events)
    return []


@handles_fact(CHECKOUT_SETTLED, listener=NOTIFICATIONS)
def checkout_settled(events: list[CheckoutSettled]) -> Sequence[Message]:
    notify_of_checkouts(events)
    return []


@handles(MAIL_ACCOUNT)
def mail_account(events: list[AccountMail]) -> Sequence[Message]:
    send_account_mails([event.mail_id for event in events])
    return []


@handles_fact(REFUND_COMPLETED, listener=NOTIFICATIONS)
def refund_completed(events: list[RefundCompleted]) -> Sequence[Message]:
    notify(Kind.ORDER_REFUNDED, events)
    return []
