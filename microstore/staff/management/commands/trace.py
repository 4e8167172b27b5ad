"""`manage.py trace ID`: what is known of a purchase."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from microstore.staff.peers import Asker, find_everywhere
from microstore.staff.trace import NoTrace, read_term


class Command(BaseCommand):
    """The admin's search, for a terminal."""

    help = "Say what all services know of a purchase, by its trace id or the id of its order."

    def add_arguments(self, parser: CommandParser) -> None:
        """One id."""
        parser.add_argument("id", metavar="ID", help="a trace id, a traceparent or the id of an order")

    def handle(self, *args: Any, **options: Any) -> None:
        """One line for each thing found; exit 1 where there is none."""
        try:
            asker = Asker(f"{getpass.getuser()} (command line)", everything=True)
            trace = find_everywhere(read_term(options["id"]), asker)
        except NoTrace as why:
            raise CommandError(str(why)) from None
        for problem in trace.problems:
            self.stderr.write(problem)
        if not trace.found:
            raise CommandError("Nothing belongs to it.")
        for row in trace.found:
            at = row.at.isoformat(" ", "milliseconds") if row.at else "never"
            self.stdout.write(f"{at}\t{row.service}\t{row.kind}\t{row.text}")
