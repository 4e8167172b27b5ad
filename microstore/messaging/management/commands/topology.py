"""`manage.py topology`: declare exchanges, queues and bindings, or check them."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from microstore.messaging import topology
from microstore.messaging.broker_definitions import make_definitions, to_text
from microstore.messaging.project import celery_app, registry


class Command(BaseCommand):
    """Declares exchanges, queues and bindings of all services; repeating it does no harm."""

    help = "Declare the exchanges, queues and bindings in the broker."

    def add_arguments(self, parser: CommandParser) -> None:
        only = parser.add_mutually_exclusive_group()
        only.add_argument("--check", action="store_true", help="only compare; exit 1 where anything differs")
        only.add_argument(
            "--definitions",
            action="store_true",
            help="only print them, for RabbitMQ to import: topology.json",
        )

    def handle(self, *args: Any, check: bool, definitions: bool, **options: Any) -> None:
        if definitions:
            self.stdout.write(to_text(make_definitions()))
            return
        with celery_app().connection_for_write() as connection:
            if check:
                differences = topology.find_differences(connection)
                if differences:
                    raise CommandError("The broker differs:\n" + "\n".join(differences))
                self.stdout.write("The broker has all it needs.")
            else:
                self.stdout.write("Declared " + ", ".join(topology.declare(connection, registry().services)))
