"""Tables of payouts, and of the bank accounts that they go to."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from microstore.staff.money import show_amount

OPEN = ("prepared", "sent", "unknown")


class BankAccount(models.Model):
    """A seller's bank account. Its details are sealed: only the process that sends payouts opens them."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="The listings service's change.")
    seller_id = models.BigIntegerField(help_text="The listings service's user.")
    sealed = models.TextField(max_length=2_000, help_text="Owner, IBAN and seller, encrypted.")
    masked = models.CharField(max_length=40, help_text="The IBAN as it is shown: country and last digits.")
    changed_at = models.DateTimeField(help_text="When the seller gave it.")
    usable_at = models.DateTimeField(help_text="Nothing is paid to the seller before.")
    replaced_at = models.DateTimeField(null=True, blank=True, help_text="When the seller gave another one.")
    seller_left = models.BooleanField(
        default=False, db_default=False, help_text="The rest is paid to it, however little that is."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["seller_id"], condition=Q(replaced_at=None), name="one_bank_account_of_seller"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.masked} of seller {self.seller_id}"


class Payout(models.Model):
    """An amount on its way to a seller. Its id is the key under which it is sent, and never another one."""

    class Status(models.TextChoices):
        """Prepared and sent, then paid or failed; unknown while nobody has said which.

        A bank may return what it has paid.
        """

        PREPARED = "prepared"
        SENT = "sent"
        UNKNOWN = "unknown"
        PAID = "paid"
        FAILED = "failed"
        RETURNED = "returned"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    seller_id = models.BigIntegerField(help_text="The listings service's user.")
    bank_account = models.ForeignKey(BankAccount, models.PROTECT, related_name="payouts", db_index=False)
    currency = models.CharField(max_length=3)
    amount_cents = models.PositiveBigIntegerField(help_text="In the minor unit.")
    # Of its entries in the ledger. No clock may see income as available and its payout as not yet: another
    # payout would pay it again.
    available_at = models.DateTimeField(help_text="When the first of the income in it became available.")
    status = models.CharField(max_length=10, choices=Status, default=Status.PREPARED)
    provider = models.CharField(max_length=10, blank=True, help_text="By which it is sent: file or http.")
    batch = models.CharField(max_length=40, blank=True, help_text="Name of the folder with its file.")
    reference = models.CharField(max_length=100, blank=True, help_text="The provider's own name of it.")
    reason = models.CharField(max_length=500, blank=True, help_text="Why it failed, is unknown or came back.")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(null=True, blank=True, help_text="Before it was sent for the first time.")
    looked_up_at = models.DateTimeField(null=True, blank=True, help_text="When it was last looked up.")
    settled_at = models.DateTimeField(null=True, blank=True, help_text="When we learnt of its end.")
    returned_at = models.DateTimeField(null=True, blank=True, help_text="When we learnt that it came back.")

    class Meta:
        permissions = (("decide_payout", "Can decide about unknown payouts"),)
        constraints = [
            models.CheckConstraint(condition=Q(amount_cents__gte=1), name="payout_amount_positive"),
            models.CheckConstraint(
                condition=Q(status="prepared", sent_at=None, settled_at=None, returned_at=None)
                | Q(status__in=["sent", "unknown"], sent_at__isnull=False, settled_at=None, returned_at=None)
                | Q(status="paid", sent_at__isnull=False, settled_at__isnull=False, returned_at=None)
                | Q(status="failed", settled_at__isnull=False, returned_at=None)
                | Q(
                    status="returned",
                    sent_at__isnull=False,
                    settled_at__isnull=False,
                    returned_at__isnull=False,
                ),
                name="payout_times_of_status",
            ),
            # What the lock of the seller's bank account already ensures. An unknown one holds up the next.
            models.UniqueConstraint(
                fields=["seller_id", "currency"], condition=Q(status__in=OPEN), name="one_open_payout"
            ),
        ]
        indexes = [
            models.Index(fields=["seller_id", "-id"], name="payout_of_seller"),
            models.Index(fields=["status", "id"], name="payout_open", condition=Q(status__in=OPEN)),
        ]

    def __str__(self) -> str:
        amount = show_amount(self.amount_cents, self.currency)
        return f"{amount} to seller {self.seller_id} ({self.status})"


class StatementLine(models.Model):
    """A payment in a bank's statement, or the return of one, as it was read. Written once."""

    reference = models.CharField(
        max_length=100, help_text="As the bank has it: a payout's id, where it is ours."
    )
    payout = models.ForeignKey(Payout, models.PROTECT, null=True, related_name="lines")
    amount_cents = models.BigIntegerField(help_text="In the minor unit; negative where it came back.")
    currency = models.CharField(max_length=3)
    booked_on = models.DateField()
    # Two statements may overlap; a statement with the same line twice has paid twice.
    occurrence = models.PositiveIntegerField(help_text="Of equal lines in its statement, which this is.")
    problem = models.CharField(max_length=300, blank=True, help_text="Why it settles no payout.")
    statement = models.CharField(max_length=200, help_text="Name of the file.")
    read_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["reference", "booked_on", "amount_cents", "currency", "occurrence"],
                name="statement_line_once",
            ),
        ]

    def __str__(self) -> str:
        amount = show_amount(self.amount_cents, self.currency)
        return f"{amount} for {self.reference} on {self.booked_on}"
