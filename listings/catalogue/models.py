"""Departments of the shop, and the table of files that no picture names."""

from django.db import models


class Category(models.TextChoices):
    """Departments of the shop."""

    ART = "art"
    BOOKS = "books"
    CLOTHING = "clothing"
    ELECTRONICS = "electronics"
    FURNITURE = "furniture"
    TOYS = "toys"
    OTHER = "other"


class DiscardedFile(models.Model):
    """A file in the storage that no picture names any more; the row goes when the file is deleted."""

    name = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.name
