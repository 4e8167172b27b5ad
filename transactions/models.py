"""Models of the transactions service."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from uuid_utils.compat import uuid7

from microstore.telemetry.tracing import trace_id_of
from transactions.ledger.models import Entry, Journal
from transactions.payouts.models import BankAccount, Payout, StatementLine
from transactions.refunds.models import Refund

# Django finds models by this module.
__all__ = ["BankAccount", "Entry", "Journal", "Payout", "Refund", "StatementLine"]


class Transaction(models.Model):
    """The decision about an order: recorded with its fee, refused with a reason, or voided. Decided once.

    All three are in one table, so that its unique constraint decides between them. Only a recorded one may
    change, once: it is voided when its buyer cancelled before the sale was confirmed.
    """

    class Status(models.TextChoices):
        """Recorded, refused, or voided (before it was recorded or after)."""

        RECORDED = "recorded"
        REFUSED = "refused"
        VOIDED = "voided"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    order_id = models.UUIDField(unique=True, help_text="The listings service's order.")
    listing_id = models.BigIntegerField()
    buyer_id = models.BigIntegerField(help_text="The listings service's user.")
    seller_id = models.BigIntegerField(help_text="The listings service's user.")
    quantity = models.PositiveIntegerField()
    price_cents = models.PositiveBigIntegerField(help_text="Of all items together, in the minor unit.")
    currency = models.CharField(max_length=3)
    # The listing at the moment of the sale: the listings service may change or delete its own row.
    title = models.CharField(
        max_length=200, blank=True, db_default="", help_text="The listing's title, as sold."
    )
    description = models.TextField(
        max_length=10_000, blank=True, db_default="", help_text="The listing's description, as sold."
    )
    category = models.CharField(
        max_length=50, blank=True, db_default="", help_text="The category by which the fee was set."
    )
    picture = models.CharField(
        max_length=500,
        blank=True,
        db_default="",
        help_text="Address of the listing's first picture, as sold.",
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.RECORDED)
    fee_cents = models.PositiveBigIntegerField(null=True, blank=True)
    total_cents = models.PositiveBigIntegerField(null=True, blank=True, help_text="Price and fee.")
    commission_cents = models.PositiveBigIntegerField(
        default=0, db_default=0, help_text="Of the price; the seller gets the rest."
    )
    fee_rule = models.CharField(max_length=100, blank=True, help_text="The rule applied, with its version.")
    fee_breakdown = models.JSONField(
        default=dict, blank=True, help_text="How the fee came about, as charged."
    )
    reason = models.CharField(max_length=500, blank=True, help_text="Why it was refused.")
    trace = models.CharField(max_length=55, help_text="W3C traceparent of the purchase.")
    created_at = models.DateTimeField(auto_now_add=True)
    voided_at = models.DateTimeField(
        null=True, blank=True, help_text="When we learnt that the buyer had cancelled."
    )

    class Meta:
        permissions = (("export_transaction", "Can export transactions"),)
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__in=["refused", "voided"], fee_cents__isnull=True, total_cents__isnull=True
                )
                | Q(
                    status__in=["recorded", "voided"],
                    fee_cents__isnull=False,  # a comparison with NULL is not false, and would pass
                    total_cents__isnull=False,
                    total_cents=F("price_cents") + F("fee_cents"),
                ),
                name="transaction_total_is_price_and_fee",
            ),
            models.CheckConstraint(
                condition=Q(commission_cents__lte=F("price_cents")), name="transaction_commission_in_price"
            ),
        ]
        indexes = [
            models.Index(fields=["buyer_id", "-id"], name="transaction_of_buyer"),
            models.Index(fields=["seller_id", "-id"], name="transaction_of_seller"),
            models.Index(fields=["currency", "-id"], name="transaction_currency"),
            models.Index(fields=["status", "-id"], name="transaction_refused", condition=Q(status="refused")),
            models.Index(fields=["-id"], name="transaction_voided", condition=Q(status="voided")),
        ]

    def __str__(self) -> str:
        return f"{self.order_id} ({self.status})"

    @property
    def trace_id(self) -> str:
        """The trace id that logs and the admin's trace page search by."""
        return trace_id_of(self.trace)


class SellerTier(models.Model):
    """The tier of a seller, by which the fee function sets the commission; without a row there is none."""

    seller_id = models.BigIntegerField(primary_key=True, help_text="The listings service's user.")
    tier = models.CharField(
        max_length=20,
        validators=[RegexValidator(r"^[a-z0-9-]+$", "Use small letters, digits and dashes.")],
        help_text="As the fee schedule names it; of sales from now on.",
    )

    def __str__(self) -> str:
        return f"seller {self.seller_id}: {self.tier}"
