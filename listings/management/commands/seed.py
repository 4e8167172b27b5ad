"""`manage.py seed`: people and things for a first look."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db import transaction

from listings.models import Category, Listing

PASSWORD = "microstore"  # noqa: S105  # a demonstration's
THINGS = (
    ("Crunchy armchair", Category.FURNITURE, 24_900, 3),
    ("Reading lamp that sees you", Category.FURNITURE, 5_900, 10),
    ("Half a chess set", Category.TOYS, 1_200, 1),
    ("Letters from a lighthouse", Category.BOOKS, 1_800, 25),
    ("Radio with one station", Category.ELECTRONICS, 7_400, 5),
    ("Coat for all weathers but one", Category.CLOTHING, 13_500, 4),
    ("Portrait of somebody's aunt", Category.ART, 48_000, 1),
)


class Command(BaseCommand):
    """Makes alice (who sells), bob (who buys) and admin (staff), once."""

    help = "Make demonstration users and listings; does nothing where they are."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Make what is missing."""
        users = get_user_model().objects
        if users.filter(username="alice").exists():
            self.stdout.write("Seeded before.")
            return
        alice = users.create_user("alice", "alice@example.com", PASSWORD)
        users.create_user("bob", "bob@example.com", PASSWORD)
        users.create_superuser("admin", "admin@example.com", PASSWORD)
        for title, category, price_cents, quantity in THINGS:
            Listing.objects.create(
                seller=alice,
                title=title,
                category=category,
                price_cents=price_cents,
                currency="EUR",
                quantity=quantity,
                available=quantity,
            )
        self.stdout.write(f"Made alice, bob and admin (password {PASSWORD!r}) and {len(THINGS)} listings.")
