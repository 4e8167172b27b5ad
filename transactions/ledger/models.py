"""Tables of the ledger. Rows are written by the SQL functions beside this file, and by nothing else."""

from django.db import models
from django.db.models import F, Q

from microstore.staff.money import show_amount

LINES = 8  # of a journal, fewer than so many: an entry's id is its journal's times this, plus its line


class Account(models.TextChoices):
    """Kinds of accounts. An account is a kind, an owner and a currency; it needs no row of its own."""

    RECEIVABLE = "receivable", "Receivable from a buyer"
    PAYABLE = "payable", "Payable to a seller"
    FEE_INCOME = "fee_income", "Fee income"
    IN_TRANSIT = "in_transit", "Payouts in transit"
    BANK = "bank", "Bank"
    COMMISSION = "commission", "Commission income"


HOUSE = 0  # owner of the accounts that belong to no user


class Journal(models.Model):
    """One business event in the ledger; `kind` and `subject_id` are its natural key.

    Its entries are inserted in the database transaction that inserts it, and balance in each currency when
    that commits: triggers see to both (ledger/sql/journals_balance.sql).
    """

    class Kind(models.TextChoices):
        """Business events; the subject is the transaction of a sale or a void, the refund, or the payout."""

        SALE = "sale"
        VOID = "void"
        REFUND = "refund"
        PAYOUT = "payout", "Payout prepared"
        PAID = "paid", "Payout paid"
        FAILED = "failed", "Payout failed"
        RETURNED = "returned", "Payout returned"

    kind = models.CharField(max_length=10, choices=Kind)
    subject_id = models.UUIDField(help_text="The transaction of a sale or a void; the refund; the payout.")
    occurred_at = models.DateTimeField(help_text="Of the event; old ones may have been posted later.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject_id", "kind"], name="journal_once_per_event"),
        ]
        indexes = [models.Index(fields=["occurred_at"], name="journal_occurred")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject_id}"


class Entry(models.Model):
    """An amount in an account: a debit is positive, a credit negative."""

    id = models.BigIntegerField(
        primary_key=True, editable=False, help_text="Its journal's id times 8, plus its line in the journal."
    )
    # Without constraint and index: the triggers ensure that the journal is there, and `id` finds the entries.
    journal = models.ForeignKey(
        Journal, models.DO_NOTHING, related_name="entries", db_constraint=False, db_index=False
    )
    account = models.CharField(max_length=12, choices=Account)
    owner_id = models.BigIntegerField(help_text="The listings service's user; 0 is the marketplace itself.")
    currency = models.CharField(max_length=3)
    amount_cents = models.BigIntegerField(help_text="In the minor unit. Debit positive, credit negative.")
    available_at = models.DateTimeField(
        null=True, help_text="When a seller's income may be paid out; null in other accounts."
    )

    class Meta:
        verbose_name_plural = "entries"
        permissions = (("export_entry", "Can export entries"),)
        constraints = [
            models.CheckConstraint(condition=~Q(amount_cents=0), name="entry_moves_something"),
            models.CheckConstraint(condition=Q(journal_id=F("id") / LINES), name="entry_id_of_journal"),
            models.CheckConstraint(
                condition=Q(account="payable", available_at__isnull=False)
                | (~Q(account="payable") & Q(available_at__isnull=True)),
                name="entry_payable_is_held",
            ),
        ]
        indexes = [
            # A seller's balance and ledger are read from it alone. Of the other accounts nobody needs one.
            models.Index(
                fields=["owner_id", "currency", "id"],
                include=["amount_cents", "available_at"],
                name="entry_of_seller",
                condition=Q(account="payable"),
            ),
        ]

    def __str__(self) -> str:
        amount = show_amount(self.amount_cents, self.currency)
        return f"{amount} in {self.get_account_display()} {self.owner_id}"
