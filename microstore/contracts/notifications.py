"""Facts and commands that the notifications worker handles."""

from typing import ClassVar
from uuid import UUID

from microstore.contracts.contract import AnyContract, Contract, Message
from microstore.contracts.listings import (
    CHECKOUT_SETTLED,
    ORDER_COMPLETED,
    ORDER_REJECTED,
    REFUND_COMPLETED,
)
from microstore.contracts.transactions import ORDER_CANCELLED, ORDER_CREATED

NOTIFICATIONS = "notifications"
SUBSCRIBED_FACTS: tuple[AnyContract, ...] = (
    *(ORDER_CREATED, ORDER_COMPLETED, ORDER_REJECTED, ORDER_CANCELLED, REFUND_COMPLETED),
    CHECKOUT_SETTLED,
)


class AccountMail(Message):
    """E-mails of an account wait to be sent: the row of this id names them."""

    # Neither address nor link: messages stay in dead letters, where more people read them.
    key_field: ClassVar[str] = "mail_id"

    mail_id: UUID


MAIL_ACCOUNT = Contract("mail_account", AccountMail, to=NOTIFICATIONS)
