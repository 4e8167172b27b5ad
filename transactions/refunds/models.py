"""The table of refunds."""

from django.db import models
from django.db.models import F, Q

from microstore.staff.money import show_amount


class Refund(models.Model):
    """The decision about a requested refund: refunded, or refused with the cause. Decided once."""

    class Status(models.TextChoices):
        """Refunded, or refused for good."""

        REFUNDED = "refunded"
        REFUSED = "refused"

    id = models.UUIDField(primary_key=True, editable=False, help_text="The listings service's refund.")
    order_id = models.UUIDField(help_text="The listings service's order.")
    transaction = models.ForeignKey(
        "transactions.Transaction", models.PROTECT, null=True, related_name="refunds"
    )
    listing_id = models.BigIntegerField()
    amount_cents = models.PositiveBigIntegerField(help_text="Of what the buyer paid, in the minor unit.")
    fee_cents = models.PositiveBigIntegerField(default=0, help_text="Part of the amount.")
    commission_cents = models.PositiveBigIntegerField(
        default=0, db_default=0, help_text="Of the amount without the fee; the seller gives back the rest."
    )
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=10, choices=Status)
    reason = models.CharField(
        max_length=500, blank=True, help_text="As given with the request; emptied with a deleted account."
    )
    refusal = models.CharField(max_length=500, blank=True, help_text="Why it was refused.")
    trace = models.CharField(max_length=55, help_text="W3C traceparent of the purchase.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        permissions = (("export_refund", "Can export refunds"),)
        constraints = [
            models.CheckConstraint(
                condition=Q(status="refused") & ~Q(refusal="")
                | Q(status="refunded", transaction__isnull=False, amount_cents__gte=1, refusal=""),
                name="refund_has_transaction_or_refusal",
            ),
            models.CheckConstraint(condition=Q(fee_cents__lte=F("amount_cents")), name="refund_fee_in_it"),
        ]
        indexes = [
            models.Index(fields=["order_id"], name="refund_of_order"),
            models.Index(fields=["status", "-id"], name="refund_status"),
        ]

    def __str__(self) -> str:
        return f"{show_amount(self.amount_cents, self.currency)} of order {self.order_id} ({self.status})"
