"""Marking of notifications as read."""

from django.utils import timezone
from django.utils.translation import gettext

from listings.notifications.models import Notification
from listings.refusals import NotificationNotFound


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
