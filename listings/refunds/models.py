"""The table of requested refunds."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy
from uuid_utils.compat import uuid7

from microstore.staff.money import show_amount


class Refund(models.Model):
    """A refund that a seller or staff has requested. The transactions service decides about it, once."""

    class Status(models.TextChoices):
        """Requested, then refunded or refused."""

        REQUESTED = "requested", gettext_lazy("Requested")
        REFUNDED = "refunded", gettext_lazy("Refunded")
        REFUSED = "refused", gettext_lazy("Refused")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order = models.ForeignKey("listings.Order", models.PROTECT, related_name="refunds")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="Seller or staff.",
    )
    amount_cents = models.PositiveBigIntegerField(help_text="Of what the buyer paid, in the minor unit.")
    fee_cents = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="Part of the amount; null until it is refunded."
    )
    return_quantity = models.PositiveIntegerField(default=0, help_text="Pieces that go back into the stock.")
    status = models.CharField(max_length=10, choices=Status, default=Status.REQUESTED)
    reason = models.CharField(max_length=500, help_text="For the buyer to read.")
    refusal = models.CharField(max_length=500, blank=True, help_text="Why it was refused.")
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001  # null is not unique
    request_hash = models.CharField(max_length=64, blank=True, help_text="What the key was first used for.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    settled_at = models.DateTimeField(null=True, blank=True, help_text="When it was refunded or refused.")
    resent_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When `reconcile` last sent its request again."
    )

    class Meta:
        permissions = (("request_refund", "Can refund orders"),)
        constraints = [
            models.UniqueConstraint(fields=["requested_by", "idempotency_key"], name="refund_once_per_key"),
            models.CheckConstraint(condition=Q(amount_cents__gte=1), name="refund_amount_positive"),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="refund_requested", condition=Q(status="requested"))
        ]

    def __str__(self) -> str:
        return f"{show_amount(self.amount_cents, self.currency)} of order {self.order_id} ({self.status})"

    @property
    def currency(self) -> str:
        """The order's currency, in which the amounts are."""
        return self.order.currency
