"""Base of both services' `manage.py seed`, whose users have a password that everybody knows."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

PASSWORD = "microstore"  # noqa: S105  # a demonstration's


class SeedCommand(BaseCommand):
    """A command that makes users with a known password, and refuses to where DEBUG is off."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--known-passwords", action="store_true", help="make them although this is no development machine"
        )

    def execute(self, *args: Any, **options: Any) -> str | None:
        if not (settings.DEBUG or options["known_passwords"]):
            raise CommandError(
                f"This makes a superuser whose password is {PASSWORD!r}. For a demonstration that nobody else"
                " can reach: manage.py seed --known-passwords. For your own: manage.py createsuperuser."
            )
        return super().execute(*args, **options)
