"""Sending the e-mails of notifications: stored first, sent once, and recorded.

Each is sent while its own row is locked, so that a fact delivered twice at the same moment sends one e-mail.
A worker that dies between the mail server's answer and the commit sends that e-mail again, with the same
Message-ID, by which many mail programs show it once.
"""

from collections.abc import Sequence
from datetime import timedelta
from email.errors import MessageError
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
from microstore.messaging.receiving.consumer import Unavailable

log = structlog.get_logger(__name__)

# What Python's e-mail package raises for an address or a header that it cannot write: a domain of 64 umlauts
# is a UnicodeError, a line break a ValueError, and its parser has met all of the others.
MALFORMED = (ValueError, LookupError, TypeError, AttributeError, MessageError)
# By then this message has been retried for nearly as long as an outage is; the next fault would dead-letter
# it together with the other recipient's e-mail.
GIVE_UP_AFTER = timedelta(hours=20)
PERMANENT = 500  # SMTP's replies from here on will not change (RFC 5321, 4.2.1)


def send_emails(notification_ids: Sequence[int]) -> None:
    """Send the e-mails that have not been sent, over one connection.

    A recipient whose address cannot be used holds up nobody: it is recorded in `Email.error`. Raises
    Unavailable where the server does not answer, or wants to see one of the e-mails again later.
    """
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
    """False where the server wants to see it again later."""
    waiting = Email.objects.select_for_update().filter(pk=email_id, sent_at=None, error="").first()
    if waiting is None:
        return True
    notification = Notification.objects.select_related("recipient", "order__listing").get(pk=email_id)
    message = compose(notification, connection)
    try:
        message.send()
        waiting.sent_at = timezone.now()
    except MALFORMED as error:
        waiting.error = _describe(error)
    except SMTPException as error:
        if not is_about_one_email(error):
            raise
        if not is_permanent(error) and timezone.now() - notification.created_at < GIVE_UP_AFTER:
            return False
        waiting.error = _describe(error)
    if waiting.error:
        log.warning("email_refused", notification=email_id, error=waiting.error)
    waiting.save(update_fields=["sent_at", "error"])
    return True


def _describe(error: Exception) -> str:
    # An address that was refused for a NUL would otherwise be refused by the database too.
    return repr(error).replace("\0", "")[:500]


def compose(notification: Notification, connection: BaseEmailBackend | None = None) -> EmailMultiAlternatives:
    """Return the e-mail, as plain text and as HTML."""
    told = {"notification": notification, "order": notification.order}
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
    message = EmailMultiAlternatives(
        subject_of(notification),
        render_to_string("notifications/email.txt", told),
        to=[notification.recipient.email],
        headers={
            "Message-ID": f"<{notification.event_id}.{notification.recipient_id}@{domain}>",
            "Auto-Submitted": "auto-generated",  # RFC 3834: no out-of-office answers
        },
        connection=connection,
    )
    message.attach_alternative(render_to_string("notifications/email.html", told), "text/html")
    return message


def is_about_one_email(error: SMTPException) -> bool:
    """Return whether the server answered about this e-mail, so that it may take the next one."""
    return isinstance(error, SMTPRecipientsRefused | SMTPDataError | SMTPNotSupportedError)


def is_permanent(error: SMTPException) -> bool:
    """Return whether the server would refuse this e-mail again."""
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= PERMANENT for code, _ in error.recipients.values())
    return isinstance(error, SMTPNotSupportedError) or (
        isinstance(error, SMTPResponseException) and error.smtp_code >= PERMANENT
    )
