"""Departments of the shop, reports of listings, and the table of files that no picture names."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy


class Category(models.TextChoices):
    """Departments of the shop."""

    ART = "art", gettext_lazy("Art")
    BOOKS = "books", gettext_lazy("Books")
    CLOTHING = "clothing", gettext_lazy("Clothing")
    ELECTRONICS = "electronics", gettext_lazy("Electronics")
    FURNITURE = "furniture", gettext_lazy("Furniture")
    TOYS = "toys", gettext_lazy("Toys")
    OTHER = "other", gettext_lazy("Other")


class ListingEdition(models.Model):
    """A past edition of a listing that was ordered; a trigger writes it when the listing changes."""

    listing = models.ForeignKey("listings.Listing", models.PROTECT, related_name="+", db_index=False)
    edition = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True, max_length=10_000)
    category = models.CharField(max_length=50, choices=Category)
    # The constraint keeps the picture, whoever deletes it.
    picture = models.ForeignKey(
        "listings.ListingImage", models.PROTECT, null=True, related_name="+", help_text="Its first picture."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["listing", "edition"], name="listing_edition_once"),
        ]

    def __str__(self) -> str:
        return f"{self.title} (edition {self.edition} of listing {self.listing_id})"


class DiscardedFile(models.Model):
    """A file in the storage that no picture names any more; the row goes when the file is deleted."""

    name = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.name


class Report(models.Model):
    """A user's report that a listing breaks the rules; staff withdraw the listing or dismiss the report."""

    class Reason(models.TextChoices):
        FORBIDDEN = "forbidden", gettext_lazy("It may not be sold")
        COUNTERFEIT = "counterfeit", gettext_lazy("It is a counterfeit")
        MISLEADING = "misleading", gettext_lazy("It is not what the listing says")
        OFFENSIVE = "offensive", gettext_lazy("It is offensive")
        FRAUD = "fraud", gettext_lazy("It looks like fraud")
        OTHER = "other", gettext_lazy("Something else")

    class State(models.TextChoices):
        WAITING = "waiting"
        UPHELD = "upheld"
        DISMISSED = "dismissed"

    listing = models.ForeignKey("listings.Listing", models.CASCADE, related_name="reports")
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="reports")
    reason = models.CharField(max_length=20, choices=Reason)
    text = models.CharField(max_length=1_000, blank=True, help_text="In the reporter's words.")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    decided_by = models.CharField(max_length=150, blank=True, help_text="Name of the staff member.")
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state", "-id"], name="report_state")]
        constraints = [
            models.UniqueConstraint(
                fields=["listing", "reporter"], condition=Q(state="waiting"), name="report_waits_once"
            )
        ]

    def __str__(self) -> str:
        return f"Report {self.pk} of listing {self.listing_id}"
