"""Sends stored e-mails and records the result of each.

A fact may be delivered twice at the same moment: the second delivery waits for the lock of the e-mail's row,
finds it sent and skips it. A worker that dies between the reply of the mail server and the commit sends it
again when the fact is redelivered, with the same Message-ID, by which many mail programs show it once.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from email.utils import parseaddr
from enum import Enum, auto
from smtplib import (
    SMTPDataError,
    SMTPException,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPResponseException,
)
from typing import Any, TypeAlias

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils import timezone, translation

from listings.models import Order, Profile
from listings.notifications import hourly_bound
from listings.notifications.models import Email, Notification
from listings.notifications.texts import subject_of
from microstore.auth.addresses import MALFORMED
from microstore.database.clock import database_now
from microstore.messaging.receiving.consumer import Unavailable

log = structlog.get_logger(__name__)

# Less than the 24 hours for which an outage is retried (OUTAGE_GIVE_UP_SECONDS): after those the fact would
# be dead-lettered, and the e-mail to the other recipient with it.
GIVE_UP_AFTER = timedelta(hours=20)
ABOUT = ("recipient", "order__listing", "order__past_edition")
# No other column: the worker's database role may not read them (sql/rights.sql).
READ = (
    *("recipient__username", "recipient__email", "event_id", "kind", "role", "text", "created_at"),
    *("order__edition", "order__listing__edition", "order__listing__title"),
    *("order__past_edition__listing", "order__past_edition__edition", "order__past_edition__title"),
    "order__checkout_id",
)
READ_OF_CHECKOUT = (
    *("checkout_id", "quantity", "total_cents", "currency", "status", "reason"),
    *(name.removeprefix("order__") for name in READ if name.startswith("order__")),
)
MOST_LOST = 3  # connections in one delivery; each may have taken EMAIL_TIMEOUT, and the server is not well
PERMANENT = 500  # SMTP's replies from here on will not change (RFC 5321, 4.2.1)


class Outcome(Enum):
    """Of an e-mail whose turn it was."""

    DONE = auto()  # sent, held, or somebody else's meanwhile
    REFUSED = auto()
    DEFERRED = auto()


class Undeliverable(Exception):
    """The e-mail may not be sent, and will not be later."""


class Held(Exception):
    """The address has got as many e-mails within the hour as it may: a digest follows."""


Compose: TypeAlias = Callable[[Any, BaseEmailBackend], EmailMultiAlternatives]


def send_emails(notification_ids: Sequence[int]) -> None:
    """Send the e-mails of these notifications, but those sent or held; raises Unavailable."""
    unsent = Email.objects.filter(notification__in=notification_ids, sent_at=None, error="", held=False)
    deliver(unsent, compose)


def deliver(rows: QuerySet[Any], compose_one: Compose) -> None:
    """Send the e-mails of these rows (of Email or AccountMail, unsent) over one connection.

    An e-mail that is refused for good is recorded in `error` of its row. It delays no other, nor does one
    that the server defers (a 4xx reply) or loses the connection over: the next one has a new connection.
    Raises Unavailable where some are left, or the server does not answer; those sent are recorded by then.
    """
    # Read without a lock: `_send` locks each row and looks again before it sends. In any order: those over
    # which connections are lost would come first in each retry.
    ids = list(rows.order_by("?").values_list("pk", flat=True))
    if not ids:
        return
    connection = get_connection()
    deferred = lost = 0
    try:
        connection.open()
        for each in ids:
            try:
                outcome = _send(rows.filter(pk=each), compose_one, connection)
            except (OSError, SMTPException) as error:
                log.warning("email_connection_lost", row=str(each), error=_describe(error))
                outcome, lost = Outcome.DEFERRED, lost + 1
                if lost == MOST_LOST:
                    raise
            deferred += outcome is Outcome.DEFERRED
            if outcome is not Outcome.DONE:
                # smtplib closes after a 421, and some servers after any refusal.
                connection.close()
                connection.open()
    except (OSError, SMTPException) as error:
        raise Unavailable(f"mail server: {error!r}") from error
    finally:
        connection.close()
    if deferred:
        raise Unavailable(f"mail server: it takes {deferred} of {len(ids)} e-mails later")


@transaction.atomic
def _send(row: QuerySet[Any], compose_one: Compose, connection: BaseEmailBackend) -> Outcome:
    # A network call under a lock, against the rule: without it two deliveries would send the e-mail twice.
    # Only another sender of the same e-mail, or to the same address, waits for it.
    waiting = row.select_for_update().first()
    if waiting is None:
        return Outcome.DONE
    try:
        message = compose_one(waiting, connection)
    except Undeliverable as error:
        waiting.error = str(error)
    except Held:
        waiting.held = True
    else:
        if not _hand_over(message, waiting):
            return Outcome.DEFERRED
    if waiting.error:
        log.warning("email_refused", row=str(waiting.pk), error=waiting.error)
    # No other column: the worker's database role may change these alone (sql/rights.sql).
    waiting.save(update_fields=waiting.WRITTEN)
    return Outcome.REFUSED if waiting.error else Outcome.DONE


def _hand_over(message: EmailMultiAlternatives, waiting: Any) -> bool:
    try:
        message.send()
        waiting.sent_at = timezone.now()
        hourly_bound.note_sent(message.to[0])
    except MALFORMED as error:
        waiting.error = _describe(error)
    except SMTPException as error:
        if not is_about_one_email(error):
            raise
        # Deferred: the row stays unsent, and the retried message finds it again.
        if not is_permanent(error) and database_now() - waiting.created_at < GIVE_UP_AFTER:
            return False
        waiting.error = _describe(error)
    return True


def _describe(error: Exception) -> str:
    # PostgreSQL stores no NUL, and the address that is quoted here may have been refused for one.
    return repr(error).replace("\0", "")[:500]


def compose(email: Email, connection: BaseEmailBackend) -> EmailMultiAlternatives:
    """Return the e-mail of a notification; raises Undeliverable or Held."""
    notification = Notification.objects.select_related(*ABOUT).only(*READ).get(pk=email.pk)
    to = notification.recipient.email
    profile = Profile.objects.filter(user=notification.recipient_id, verified_email=to).first()
    if profile is None:
        raise Undeliverable("the recipient has another address meanwhile, which is not verified")
    if not hourly_bound.has_room(to):
        raise Held
    unsubscribe = f"{settings.SHOP_URL}/account/unsubscribe/?token={profile.unsubscribe_token}"
    with translation.override(profile.language or settings.LANGUAGE_CODE):
        return write(
            subject_of(notification),
            "email",
            {
                "notification": notification,
                "order": notification.order,
                "together": _orders_of_checkout(notification),
                "unsubscribe": unsubscribe,
            },
            to=to,
            # The same each time, so that an e-mail that is sent twice is recognised.
            message_id=f"{notification.event_id}.{notification.recipient_id}",
            connection=connection,
            # RFC 8058: mail programs show a button, and send a POST to the address.
            headers={
                "List-Unsubscribe": f"<{unsubscribe}>",
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            },
        )


def _orders_of_checkout(notification: Notification) -> Iterable[Order]:
    if notification.kind != Notification.Kind.CHECKOUT_SETTLED:
        return ()
    orders = Order.objects.filter(checkout_id=notification.order.checkout_id).order_by("id")
    return orders.select_related("listing", "past_edition").only(*READ_OF_CHECKOUT)


def write(
    subject: str,
    template: str,
    context: Mapping[str, Any],
    *,
    to: str,
    message_id: str,
    connection: BaseEmailBackend,
    headers: Mapping[str, str] | None = None,
) -> EmailMultiAlternatives:
    """Return an e-mail of two templates: plain text, with an HTML alternative."""
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    message = EmailMultiAlternatives(
        subject,
        render_to_string(f"notifications/{template}.txt", dict(context)),
        to=[to],
        headers={
            "Message-ID": f"<{message_id}@{domain}>",
            "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office answers
            **(headers or {}),
        },
        connection=connection,
    )
    html = render_to_string(f"notifications/{template}.html", dict(context))
    message.attach_alternative(html, "text/html")
    return message


def is_about_one_email(error: SMTPException) -> bool:
    """Return whether the error concerns this e-mail only, and says nothing of the server."""
    return isinstance(error, SMTPRecipientsRefused | SMTPDataError | SMTPNotSupportedError)


def is_permanent(error: SMTPException) -> bool:
    """Return whether another attempt would fail again (RFC 5321: a 5xx reply)."""
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= PERMANENT for code, _ in error.recipients.values())
    return isinstance(error, SMTPNotSupportedError) or (
        isinstance(error, SMTPResponseException) and error.smtp_code >= PERMANENT
    )
