"""E-mails of accounts, without a broker: what is in the outbox is handled at once."""

import re
from typing import Any

from django.core import mail

from listings.notifications import tasks
from microstore.contracts.notifications import MAIL_ACCOUNT
from microstore.messaging.models import OutboxMessage

LINK = re.compile(r"https?://\S+\?token=([\w-]+)")


def deliver_account_mails() -> list[Any]:
    """Have the worker handle what was requested; returns the e-mails sent, in the order of requests."""
    before = len(mail.outbox)
    waiting = OutboxMessage.objects.filter(contract=MAIL_ACCOUNT.name)
    messages = [MAIL_ACCOUNT.parse(row.payload) for row in waiting.order_by("pk")]
    waiting.delete()
    if messages:
        tasks.mail_account(messages)
    # They are sent in any order; each one's id begins with that of its row, which rises.
    return sorted(mail.outbox[before:], key=lambda message: message.extra_headers["Message-ID"])


def token_in(message: Any) -> str:
    """The token of the one link in an e-mail."""
    [token] = set(LINK.findall(message.body))
    return str(token)
