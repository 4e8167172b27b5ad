"""`manage.py trace ID`: what this service knows of a purchase."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from microstore.staff.trace import NoTrace, find_trace


class Command(BaseCommand):
    """The admin's search, for a terminal."""

    help = "Say what this service knows of a purchase, by its trace id or the id of its order."

    def add_arguments(self, parser: CommandParser) -> None:
        """One id."""
        parser.add_argument("id", metavar="ID", help="a trace id, a traceparent or the id of an order")

    def handle(self, *args: Any, **options: Any) -> None:
        """One line for each thing found; exit 1 where there is none."""
        try:
            found = find_trace(options["id"])
        except NoTrace as why:
            raise CommandError(str(why)) from None
        if not found:
            raise CommandError("Nothing here belongs to it; ask the other service too.")
        for row in found:
            self.stdout.write(
                f"{row.at.isoformat(' ', 'seconds') if row.at else 'never'}\t{row.kind}\t{row.text}"
            )
