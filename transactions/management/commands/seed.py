"""`manage.py seed`: a staff account for a first look."""

from typing import Any

from django.contrib.auth import get_user_model

from microstore.staff.demonstration import PASSWORD, SeedCommand


class Command(SeedCommand):
    """Create the superuser admin, once."""

    help = "Make the demonstration's staff user; does nothing where it is."

    def handle(self, *args: Any, **options: Any) -> None:
        users = get_user_model().objects
        if users.filter(username="admin").exists():
            self.stdout.write("Seeded before.")
            return
        users.create_superuser("admin", "admin@example.com", PASSWORD)
        self.stdout.write(f"Made admin (password {PASSWORD!r}).")
