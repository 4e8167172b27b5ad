"""Command `manage.py trace ID`: everything stored about a purchase."""

import getpass
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError, CommandParser

from microstore.staff.peers import Viewer, find_everywhere
from microstore.staff.trace import NoTrace, read_term


class Command(BaseCommand):
    """Trace search of the admin for a terminal."""

    help = "Show what all services have about a purchase, by its trace id or the id of its order."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", metavar="ID", help="a trace id, a traceparent or the id of an order")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            # To the other services, as a superuser: all roles and no more.
            roles = tuple(Group.objects.values_list("name", flat=True))
            viewer = Viewer(f"{getpass.getuser()} (command line)", roles, everything=True)
            trace = find_everywhere(read_term(options["id"]), viewer)
        except NoTrace as why:
            raise CommandError(str(why)) from None
        for problem in trace.problems:
            self.stderr.write(problem)
        if not trace.found:
            raise CommandError("Nothing belongs to it.")
        for row in trace.found:
            at = row.at.isoformat(" ", "milliseconds") if row.at else "never"
            self.stdout.write(f"{at}\t{row.service}\t{row.kind}\t{row.text}")
