"""Sends the stored e-mails of notifications and records the result of each.

A fact may be delivered twice at the same moment: the second delivery waits for the lock of the e-mail's row,
finds it sent and skips it. A worker that dies between the reply of the mail server and the commit sends it
again when the fact is redelivered, with the same Message-ID, by which many mail programs show it once.
"""

from collections.abc import Sequence
from datetime import timedelta
from email.utils import parseaddr
from smtplib import (
    SMTPDataError,
    SMTPException,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import timezone

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
)
PERMANENT = 500  # SMTP's replies from here on will not change (RFC 5321, 4.2.1)


def send_emails(notification_ids: Sequence[int]) -> None:
    """Send the e-mails that have not been sent, over one connection.

    An e-mail that is refused for good is recorded in `Email.error` and delays no other. Raises Unavailable
    where the server does not answer or defers one (a 4xx reply); those already sent are recorded by then.
    """
    # Read without a lock: `_send` locks each row and looks again before it sends.
    unsent = Email.objects.filter(notification__in=notification_ids, sent_at=None, error="")
    ids = list(unsent.order_by("pk").values_list("pk", flat=True))
    if not ids:
        return
    connection = get_connection()
    try:
        connection.open()
        deferred = [each for each in ids if not _send(each, connection)]
    except (OSError, SMTPException) as error:
        raise Unavailable(f"mail server: {error!r}") from error
    finally:
        connection.close()
    if deferred:
        raise Unavailable(f"mail server: it takes {len(deferred)} of {len(ids)} e-mails later")


@transaction.atomic
def _send(email_id: int, connection: BaseEmailBackend) -> bool:
    # A network call under a lock, against the rule: without it two deliveries would send the e-mail twice.
    # Only another sender of the same e-mail waits for it, since no page and no endpoint locks this table.
    waiting = Email.objects.select_for_update().filter(pk=email_id, sent_at=None, error="").first()
    if waiting is None:
        return True
    notification = Notification.objects.select_related(*ABOUT).only(*READ).get(pk=email_id)
    message = compose(notification, connection)
    try:
        message.send()
        waiting.sent_at = timezone.now()
    except MALFORMED as error:
        waiting.error = _describe(error)
    except SMTPException as error:
        if not is_about_one_email(error):
            raise
        # Deferred: the row stays unsent, and the retried fact finds it again.
        if not is_permanent(error) and database_now() - notification.created_at < GIVE_UP_AFTER:
            return False
        waiting.error = _describe(error)
    if waiting.error:
        log.warning("email_refused", notification=email_id, error=waiting.error)
    waiting.save(update_fields=["sent_at", "error"])
    return True


def _describe(error: Exception) -> str:
    # PostgreSQL stores no NUL, and the address that is quoted here may have been refused for one.
    return repr(error).replace("\0", "")[:500]


def compose(notification: Notification, connection: BaseEmailBackend | None = None) -> EmailMultiAlternatives:
    """Return the notification's e-mail, as plain text with an HTML alternative."""
    context = {"notification": notification, "order": notification.order}
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    message = EmailMultiAlternatives(
        subject_of(notification),
        render_to_string("notifications/email.txt", context),
        to=[notification.recipient.email],
        headers={
            # The same each time, so that an e-mail that is sent twice is recognised.
            "Message-ID": f"<{notification.event_id}.{notification.recipient_id}@{domain}>",
            "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office answers
        },
        connection=connection,
    )
    message.attach_alternative(render_to_string("notifications/email.html", context), "text/html")
    return message


def is_about_one_email(error: SMTPException) -> bool:
    """Return whether the error concerns this e-mail only, so that the connection can send the next one."""
    return isinstance(error, SMTPRecipientsRefused | SMTPDataError | SMTPNotSupportedError)


def is_permanent(error: SMTPException) -> bool:
    """Return whether another attempt would fail again (RFC 5321: a 5xx reply)."""
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= PERMANENT for code, _ in error.recipients.values())
    return isinstance(error, SMTPNotSupportedError) or (
        isinstance(error, SMTPResponseException) and error.smtp_code >= PERMANENT
    )
