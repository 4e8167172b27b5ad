"""`manage.py startservice NAME`: make a service that listens, with a task, a test and its processes."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from tools.deployment import ROOT
from tools.startservice import NoNewName, start_service


class Command(BaseCommand):
    """Writes a service's files, and its lines in those by which services are known, run and deployed."""

    help = "Make a service that handles completed orders; see docs/how-to/add-a-service.md."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="3 to 20 lower-case letters: app, database, queue and host")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        try:
            written = start_service(name, ROOT)
        except NoNewName as reason:
            raise CommandError(str(reason)) from None
        self.stdout.write("\n".join(written))
        self.stdout.write(f"\nNow `make check`, `make test-{name}` and `make up`.")
