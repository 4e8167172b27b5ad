"""Tables of notifications and of their e-mails."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class Notification(models.Model):
    """A message to one person about an order or checkout; one a fact, however often it is delivered."""

    class Kind(models.TextChoices):
        ORDER_COMPLETED = "order_completed"
        ORDER_REJECTED = "order_rejected"
        ORDER_CANCELLED = "order_cancelled"
        ORDER_REFUNDED = "order_refunded"
        CHECKOUT_SETTLED = "checkout_settled"

    class Role(models.TextChoices):
        BUYER = "buyer"
        SELLER = "seller"

    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="notifications", db_index=False
    )
    event_id = models.UUIDField(help_text="The fact's.")
    kind = models.CharField(max_length=20, choices=Kind)
    role = models.CharField(max_length=10, choices=Role)
    order = models.ForeignKey(
        "listings.Order",
        models.CASCADE,
        related_name="+",
        db_index=False,
        # Orders are never deleted, and each is read just before: to check it again, twice a purchase, cost a
        # fifth of what a notification costs the database (measured).
        db_constraint=False,
        help_text="Of a checkout its first order.",
    )
    text = models.CharField(max_length=1_000, help_text="For the recipient to read.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    read_at = models.DateTimeField(null=True, blank=True, help_text="When it was read; null: unread.")

    class Meta:
        # What makes a redelivered fact insert nothing.
        constraints = [
            models.UniqueConstraint(fields=["event_id", "recipient"], name="notification_once_per_event")
        ]
        indexes = [
            models.Index(fields=["recipient", "-id"], name="notification_of_recipient"),
            models.Index(fields=["recipient"], name="notification_unread", condition=Q(read_at__isnull=True)),
            # For the admin's filter. Nearly all are completed, and the primary key finds a page of those.
            models.Index(
                fields=["kind", "-id"],
                name="notification_unusual",
                condition=Q(kind__in=["order_rejected", "order_cancelled"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient_id}"


class Email(models.Model):
    """The e-mail of a notification, at most one.

    A table of its own: a row is locked while it is sent, and marking the notification as read must not wait.
    """

    WRITTEN = ("sent_at", "error", "held")  # by the worker

    notification = models.OneToOneField(Notification, models.CASCADE, primary_key=True)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="When the mail server had taken it.")
    error = models.CharField(max_length=500, blank=True, help_text="Why it will not be sent.")
    held = models.BooleanField(db_default=False, help_text="Beyond the bound of an hour: for a digest.")

    class Meta:
        indexes = [
            models.Index(fields=["notification"], name="email_held", condition=Q(held=True)),
            models.Index(fields=["-notification"], name="email_refused", condition=~Q(error="")),
        ]

    def __str__(self) -> str:
        return f"E-mail of notification {self.notification_id}"

    @property
    def created_at(self) -> datetime:
        """When it was to be sent."""
        return self.notification.created_at
