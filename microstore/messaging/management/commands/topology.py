"""`manage.py topology`: declare what the broker must have, or check that it has."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from microstore.celery import app
from microstore.messaging import topology


class Command(BaseCommand):
    """Declares every exchange, queue and binding; repeating it does no harm."""

    help = "Declare the exchanges, queues and bindings in the broker."

    def add_arguments(self, parser: CommandParser) -> None:
        """`--check` changes nothing."""
        parser.add_argument(
            "--check", action="store_true", help="only compare; exit 1 where anything differs"
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        """Declare, or compare."""
        with app.connection_for_write() as connection:
            if check:
                differences = topology.find_differences(connection)
                if differences:
                    raise CommandError("The broker differs:\n" + "\n".join(differences))
                self.stdout.write("The broker has all it needs.")
            else:
                self.stdout.write("Declared " + ", ".join(topology.declare(connection)))
