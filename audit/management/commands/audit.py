"""`manage.py audit`: prove that both services and the broker agree."""

import sys
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from audit.report import Report, audit
from audit.snapshots import Limits, open_books

UNABLE = 2  # exit code: nothing was proved, neither way
CLEANING_MARGIN = timedelta(hours=1)  # clocks of two machines


class Command(BaseCommand):
    """Exits with 0 where everything agrees, 1 on any disagreement, 2 where it could not look."""

    help = "Compare both databases and the broker; exit 1 on any disagreement."

    def add_arguments(self, parser: CommandParser) -> None:
        """Limits, and what to do."""
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.add_argument(
            "--heal", action="store_true", help="send again what has been pending for too long"
        )
        for option, default in (
            ("--pending-deadline", settings.PENDING_DEADLINE_SECONDS),
            ("--outbox-age", settings.OUTBOX_AGE_SECONDS),
        ):
            text = "allowed before it is a disagreement (default %(default)s)"
            parser.add_argument(option, type=float, metavar="SECONDS", default=default, help=text)

    def handle(
        self, *args: Any, heal: bool, pending_deadline: float, outbox_age: float, **options: Any
    ) -> None:
        """Look, say what there is, and heal it where that is asked for."""
        if heal and settings.SERVICE != "listings":
            raise CommandError(
                "--heal sends orders: run it with MICROSTORE_SERVICE=listings.", returncode=UNABLE
            )
        limits = Limits(
            pending=timedelta(seconds=pending_deadline),
            outbox=timedelta(seconds=outbox_age),
            live_events=timedelta(days=settings.LIVE_EVENT_DAYS) - CLEANING_MARGIN,
        )
        report = self.look(limits)
        self.stdout.write(report.as_json() if options["json"] else report.as_text())
        if heal:
            call_command("reconcile", older_than=pending_deadline, stdout=self.stderr)
        if report.disagreements:
            sys.exit(1)

    def look(self, limits: Limits) -> Report:
        """The report; raises CommandError where a database does not answer."""
        urls = settings.AUDITED_DATABASES
        for service, url in urls.items():
            if not url:
                raise CommandError(f"Set {service.upper()}_DATABASE_URL.", returncode=UNABLE)
        try:
            with open_books(urls, limits) as books:
                return audit(books)
        except Error as error:
            raise CommandError(f"Cannot read the databases: {error}", returncode=UNABLE) from error
