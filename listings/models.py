"""The tables of the listings service."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import ExpressionWrapper, F, Func, Q
from django.db.models.functions import Coalesce, Now
from django.urls import reverse
from django.utils.translation import gettext_lazy
from uuid_utils.compat import uuid7

from listings.accounts.models import (
    AccountDeletion,
    AccountExport,
    BankAccount,
    CustomerNote,
    Profile,
    Session,
)
from listings.catalogue.models import Category, DiscardedFile, ListingEdition, Report
from listings.catalogue.seller_text import validate_line, validate_paragraphs
from listings.live.models import LiveEvent
from listings.money import validate_currency
from listings.notifications.models import Email, Notification
from listings.refunds.models import Refund
from listings.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from microstore.telemetry.tracing import trace_id_of

# Django finds models by this module.
# fmt: off
__all__ = [
    "AccountDeletion", "AccountExport", "BankAccount", "Category", "CustomerNote", "DiscardedFile", "Email",
    "ListingEdition", "LiveEvent", "Notification", "Profile", "Refund", "Report", "Session", "WebhookAttempt",
    "WebhookDelivery", "WebhookEndpoint",
]
# fmt: on

MAX_PRICE_CENTS, MAX_QUANTITY = 1_000_000_000, 1_000_000
LISTING_WORDS = Func(
    Func("title", "description", function="search_words"),
    function="array_to_tsvector",
    output_field=SearchVectorField(),
)
LAST_POSITION = 32_767  # of a picture that was added after the others were put in order
# Price, then id, in one number: no two listings are equal in it, so that a cursor is one position.
PRICE_STEP = 2**33
BY_PRICE = ExpressionWrapper(F("price_cents") * PRICE_STEP + F("id"), output_field=models.BigIntegerField())


def picture_path(picture_id: int | None) -> str:
    """Return the path by which those who may see a picture get it, whatever became of its listing."""
    return f"/pictures/{picture_id}/large.jpg" if picture_id else ""


class Listing(models.Model):
    """Something for sale. `available` is the stock without reservations of orders."""

    class Status(models.TextChoices):
        DRAFT = "draft", gettext_lazy("Draft")
        ON_SALE = "on_sale", gettext_lazy("On sale")
        WITHDRAWN = "withdrawn", gettext_lazy("Withdrawn")

    seller = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="listings")
    # The validators are for the admin's form; the API and the pages have them in a serializer.
    title = models.CharField(max_length=200, validators=[validate_line])
    description = models.TextField(blank=True, max_length=10_000, validators=[validate_paragraphs])
    category = models.CharField(max_length=50, choices=Category, default=Category.OTHER)
    price_cents = models.PositiveBigIntegerField(
        help_text="Price of one, in the currency's minor unit.",
        validators=[MinValueValidator(1), MaxValueValidator(MAX_PRICE_CENTS)],
    )
    currency = models.CharField(max_length=3, help_text="ISO 4217 code.", validators=[validate_currency])
    quantity = models.PositiveIntegerField(default=1, help_text="How many there were to begin with.")
    available = models.PositiveIntegerField(help_text="How many can still be bought.")
    status = models.CharField(max_length=10, choices=Status, default=Status.ON_SALE)
    edition = models.PositiveIntegerField(
        default=1, db_default=1, editable=False, help_text="Grows with each edit; not with purchases."
    )
    # Written by a trigger on the pictures. Without a constraint, which would order the deletion of both rows.
    picture = models.ForeignKey(
        "listings.ListingImage",
        models.DO_NOTHING,
        null=True,
        editable=False,
        db_constraint=False,
        db_index=False,
        related_name="+",
        help_text="Its first picture.",
    )
    withdrawn_reason = models.CharField(
        max_length=500,
        blank=True,
        db_default="",
        help_text="Why staff withdrew it; empty where its seller did.",
    )
    restored_as = models.CharField(
        max_length=10,
        choices=Status,
        default=Status.WITHDRAWN,
        db_default=Status.WITHDRAWN,
        editable=False,
        help_text="Status that it has again when staff restore it.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        permissions = (("moderate_listing", "Can withdraw and restore listings"),)
        constraints = [
            models.CheckConstraint(
                condition=Q(available__lte=F("quantity")), name="listing_available_in_quantity"
            ),
            models.CheckConstraint(condition=Q(available__gte=0), name="listing_never_oversold"),
            models.CheckConstraint(condition=Q(price_cents__gte=1), name="listing_price_positive"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="listing_quantity_positive"),
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="listing_newest"),
            models.Index(fields=["category", "-id"], name="listing_category"),
            # None names `available`: a purchase would have to write each index that does.
            models.Index("currency", BY_PRICE, name="listing_currency_price"),
            GinIndex(LISTING_WORDS, name="listing_search"),
            # And listing_similar, of trigrams, which takes django.contrib.postgres to be named here: 0024.
        ]

    def __str__(self) -> str:
        return self.title


class ListingImage(models.Model):
    """A picture of a listing, encoded again from the seller's upload. Lists show the first one."""

    # Null where its seller has removed it, but orders show it.
    listing = models.ForeignKey(Listing, models.CASCADE, null=True, related_name="images")
    large = models.FileField(max_length=200)
    small = models.FileField(max_length=200, help_text="The thumbnail.")
    width = models.PositiveIntegerField(help_text="Of the large one, in pixels.")
    height = models.PositiveIntegerField()
    position = models.PositiveSmallIntegerField(
        default=LAST_POSITION,
        db_default=LAST_POSITION,
        editable=False,
        help_text="In its seller's order.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ("position", "id")

    def __str__(self) -> str:
        return f"Image {self.id} of listing {self.listing_id}"

    @property
    def large_url(self) -> str:
        """The address of the picture, for those who may see its listing."""
        return self._url("large")

    @property
    def small_url(self) -> str:
        """The address of its thumbnail."""
        return self._url("small")

    def _url(self, size: str) -> str:
        # Files are served by name to everybody, so a name is shown only where the listing is.
        if self.listing and self.listing.status == Listing.Status.ON_SALE:
            return str(getattr(self, size).url)
        return reverse("picture", args=[self.pk, size])


class Order(models.Model):
    """One listing, a quantity and a buyer. It leaves `pending` exactly once."""

    class Status(models.TextChoices):
        """pending → completed | rejected | cancelled; completed → partly_refunded | refunded."""

        PENDING = "pending", gettext_lazy("Pending")
        COMPLETED = "completed", gettext_lazy("Completed")
        REJECTED = "rejected", gettext_lazy("Rejected")
        CANCELLED = "cancelled", gettext_lazy("Cancelled")
        PARTLY_REFUNDED = "partly_refunded", gettext_lazy("Partly refunded")
        REFUNDED = "refunded", gettext_lazy("Refunded")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="orders", db_index=False)
    listing = models.ForeignKey(Listing, models.PROTECT, related_name="orders")
    edition = models.PositiveIntegerField(
        null=True, help_text="Of the listing, as ordered; null in orders of releases that kept none."
    )
    # A row where the listing has changed since; no column.
    past_edition = models.ForeignObject(
        ListingEdition,
        models.DO_NOTHING,
        from_fields=["listing", "edition"],
        to_fields=["listing", "edition"],
        null=True,
        editable=False,
        related_name="+",
    )
    checkout_id = models.UUIDField(null=True, blank=True, help_text="Orders made together.")
    quantity = models.PositiveIntegerField()
    unit_price_cents = models.PositiveBigIntegerField(help_text="As it was when ordered.")
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=20, choices=Status, default=Status.PENDING)
    transaction_id = models.UUIDField(
        null=True,
        blank=True,
        help_text="In the transactions service. A cancelled order has it once that service knows.",
    )
    fee_cents = models.PositiveBigIntegerField(null=True, blank=True)
    total_cents = models.PositiveBigIntegerField(null=True, blank=True, help_text="Price and fee.")
    refunded_cents = models.PositiveBigIntegerField(default=0, db_default=0, help_text="Of the total.")
    returned_quantity = models.PositiveIntegerField(default=0, db_default=0, help_text="Back in the stock.")
    fee_rule = models.CharField(
        max_length=100,
        blank=True,
        db_default="",
        help_text="The rule by which the fee was set, with the version of its schedule; empty until then.",
    )
    reason = models.CharField(max_length=500, blank=True, help_text="Why it was rejected.")
    trace = models.CharField(max_length=55, help_text="W3C traceparent of the purchase.")
    fee_version = models.CharField(
        max_length=32,
        blank=True,
        db_default="",
        help_text="The fee schedule by which its buyer was quoted, and is charged; empty: the present one.",
    )
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001  # null is not unique
    request_hash = models.CharField(max_length=64, blank=True, help_text="What the key was first used for.")
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True, blank=True, help_text="When it left `pending`.")
    resent_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When `reconcile` last sent its order_created again."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["buyer", "idempotency_key"], name="order_once_per_key"),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="order_quantity_positive"),
            models.CheckConstraint(
                condition=~Q(status="completed")
                | Q(transaction_id__isnull=False, fee_cents__isnull=False, total_cents__isnull=False),
                name="order_completed_has_transaction",
            ),
            models.CheckConstraint(
                condition=Q(
                    refunded_cents__lte=Coalesce("total_cents", 0), returned_quantity__lte=F("quantity")
                ),
                name="order_refunded_in_bounds",
            ),
        ]
        indexes = [
            models.Index(fields=["buyer", "-id"], name="order_of_buyer"),
            models.Index(
                fields=["checkout_id"], name="order_of_checkout", condition=Q(checkout_id__isnull=False)
            ),
            models.Index(fields=["created_at"], name="order_pending", condition=Q(status="pending")),
            # Not by the status: the planner would take order_pending for one buyer's where it knows of none.
            models.Index(fields=["buyer", "listing"], name="order_unsettled", condition=Q(settled_at=None)),
            # Cancelled orders that the transactions service has not acknowledged: rarely any.
            models.Index(
                fields=["settled_at"],
                name="order_unvoided",
                condition=Q(status="cancelled", transaction_id__isnull=True),
            ),
            # The admin's: few orders are in it, so that a purchase costs no more for it.
            models.Index(fields=["-id"], name="order_partly_refunded", condition=Q(status="partly_refunded")),
            models.Index(
                fields=["status", "-id"],
                name="order_unusual",
                condition=Q(status__in=["rejected", "cancelled", "refunded"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.item.title} ({self.get_status_display().lower()})"

    @property
    def item(self) -> "Listing | ListingEdition":
        """The listing as it was sold: title, description, category and picture.

        Orders of releases that kept no edition (`edition` is None) have the present listing.
        """
        if self.edition is None or self.edition == self.listing.edition:
            return self.listing
        return self.past_edition or self.listing

    @property
    def picture(self) -> ListingImage | None:
        """The listing's first picture as it was sold."""
        picture = self.item.picture
        if picture and picture.listing_id == self.listing_id:
            picture.listing = self.listing  # read with the order; its addresses depend on it
        return picture

    @property
    def trace_id(self) -> str:
        """The trace id, as log lines have it."""
        return trace_id_of(self.trace)
