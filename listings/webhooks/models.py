"""Tables of webhooks: endpoints, deliveries to them, and every attempt of each."""

from datetime import datetime
from uuid import UUID, uuid5

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy
from uuid_utils.compat import uuid7


class WebhookEndpoint(models.Model):
    """An address to which events are sent, with the secrets that sign them."""

    class Scope(models.TextChoices):
        OWN_SALES = "own_sales"
        ALL_ORDERS = "all_orders"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="webhook_endpoints")
    scope = models.CharField(max_length=10, choices=Scope, default=Scope.OWN_SALES)
    url = models.CharField(max_length=500)
    events = ArrayField(models.CharField(max_length=30), help_text="Types of the events that are sent.")
    description = models.CharField(max_length=100, blank=True, help_text="For its owner.")
    # Not hashed: a signature is made with the secret itself.
    secret = models.CharField(max_length=100)
    previous_secret = models.CharField(max_length=100, blank=True, help_text="Signs too, until its end.")
    previous_secret_until = models.DateTimeField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    off_reason = models.CharField(
        max_length=200, blank=True, help_text="Why it was switched off; empty where its owner did that."
    )
    mail_due = models.BooleanField(
        db_default=False, editable=False, help_text="Its owner is to get an e-mail about that."
    )
    failures = models.PositiveIntegerField(db_default=0, help_text="Attempts that failed in a row.")
    failing_since = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(
        null=True, blank=True, help_text="No attempt is made before, after several failures in a row."
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        permissions = (
            ("watch_all_orders", "Can have the events of all orders sent to an endpoint"),
            ("manage_webhooks", "Can ping endpoints, send deliveries again and switch endpoints off and on"),
        )
        indexes = [
            models.Index(fields=["scope"], name="webhook_of_all_orders", condition=Q(scope="all_orders")),
            models.Index(fields=["id"], name="webhook_mail_due", condition=Q(mail_due=True)),
        ]

    def __str__(self) -> str:
        return f"Webhook endpoint {self.pk}"

    @property
    def both_sign_until(self) -> datetime | None:
        """The end of the time in which the previous secret signs too; None where one alone does."""
        until = self.previous_secret_until
        return until if until and until > timezone.now() else None


class WebhookDelivery(models.Model):
    """One event for one endpoint, however often it is attempted."""

    class Status(models.TextChoices):
        """waiting → sending → delivered, or waiting again; failed after the last attempt."""

        WAITING = "waiting", gettext_lazy("Waiting")
        SENDING = "sending", gettext_lazy("Sending")
        DELIVERED = "delivered", gettext_lazy("Delivered")
        FAILED = "failed", gettext_lazy("Failed")

    endpoint = models.ForeignKey(WebhookEndpoint, models.CASCADE, related_name="deliveries", db_index=False)
    event_id = models.UUIDField(help_text="The fact's.")
    event_type = models.CharField(max_length=30)
    body = models.TextField(help_text="As it is sent and signed, in each attempt.")
    status = models.CharField(max_length=10, choices=Status, db_default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(db_default=0)
    due_at = models.DateTimeField(
        null=True,
        db_default=Now(),
        help_text="When it may be claimed; while it is sent, when the claim of a dead process ends.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        # What makes a redelivered fact insert nothing.
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event_id"], name="webhook_once_per_event")
        ]
        indexes = [
            models.Index(fields=["endpoint", "-id"], name="webhook_log"),
            models.Index(fields=["-id"], name="webhook_failed", condition=Q(status="failed")),
            models.Index(
                fields=["endpoint", "due_at"],
                name="webhook_due",
                condition=Q(status__in=["waiting", "sending"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} to {self.endpoint_id} ({self.status})"

    @property
    def webhook_id(self) -> str:
        """The id that the receiver sees, the same in every attempt."""
        return webhook_id(self.endpoint_id, self.event_id)


class WebhookAttempt(models.Model):
    """An attempt of a delivery, and what the endpoint answered; inserted and never changed."""

    delivery = models.ForeignKey(WebhookDelivery, models.CASCADE, related_name="attempts_made")
    made_at = models.DateTimeField(db_default=Now())
    duration_ms = models.PositiveIntegerField()
    status_code = models.PositiveSmallIntegerField(null=True, help_text="Null where nothing was answered.")
    answer = models.TextField(blank=True, help_text="The beginning of the answer.")
    error = models.CharField(max_length=200, blank=True, help_text="Why nothing was answered.")

    def __str__(self) -> str:
        return f"Attempt {self.pk} of delivery {self.delivery_id}"


def webhook_id(endpoint_id: UUID, event_id: UUID) -> str:
    """Return the id of an event for an endpoint, by which its receiver recognises a repetition."""
    return f"msg_{uuid5(endpoint_id, str(event_id)).hex}"
