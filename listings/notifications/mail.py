"""Sending the e-mails of notifications: stored first, sent once, and written down.

Each is sent while its own row is locked, so that the same fact heard twice at the same moment sends one.
Who dies between the mail server's yes and the commit sends that one e-mail again: it then has the same
Message-ID, by which many mail programs show it once.
"""

from collections.abc import Sequence
from email.utils import parseaddr
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

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

PERMANENT = 500  # SMTP's replies from here on will not change (RFC 5321, 4.2.1)


def send_emails(notification_ids: Sequence[int]) -> None:
    """Send what has not been sent, over one connection; raises Unavailable where it does not answer."""
    unsent = Email.objects.filter(notification__in=notification_ids, sent_at=None, error="")
    ids = list(unsent.order_by("pk").values_list("pk", flat=True))
    if not ids:
        return
    connection = get_connection()
    try:
        connection.open()
        for each in ids:
            _send(each, connection)
    except (OSError, SMTPException) as error:
        raise Unavailable(f"mail server: {error!r}") from error
    finally:
        connection.close()


@transaction.atomic
def _send(email_id: int, connection: BaseEmailBackend) -> None:
    waiting = Email.objects.select_for_update().filter(pk=email_id, sent_at=None, error="").first()
    if waiting is None:
        return
    notification = Notification.objects.select_related("recipient", "order__listing").get(pk=email_id)
    try:
        compose(notification, connection).send()
        waiting.sent_at = timezone.now()
    except SMTPException as error:
        if not is_permanent(error):
            raise
        waiting.error = repr(error)[:500]
        log.warning("email_refused", notification=email_id, error=waiting.error)
    waiting.save(update_fields=["sent_at", "error"])


def compose(notification: Notification, connection: BaseEmailBackend | None = None) -> EmailMultiAlternatives:
    """The e-mail: plain text, and the same as HTML."""
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


def is_permanent(error: SMTPException) -> bool:
    """Whether trying again would be refused again: it is this e-mail, and not the server."""
    if isinstance(error, SMTPRecipientsRefused):
        return all(code >= PERMANENT for code, _ in error.recipients.values())
    return isinstance(error, SMTPResponseException) and error.smtp_code >= PERMANENT
