"""The command `manage.py audit`: verify that both services and the broker agree."""

import sys
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from audit.report import Report, make_report
from audit.snapshots import Limits, open_snapshots
from microstore.environment import read_seconds

UNABLE = 2  # exit code: nothing was verified
HEALING = {"listings": "reconcile", "transactions": "post_ledger"}  # commands, by the service that has them
# After a failover the database has the clock of another machine.
CLEANING_MARGIN = timedelta(hours=1)


class Command(BaseCommand):
    """Exit with 0 if everything agrees, 1 on any disagreement, 2 if a database cannot be read."""

    help = "Compare both databases and the broker; exit 1 on any disagreement."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.add_argument(
            "--heal",
            action="store_true",
            help="send again what is pending too long, or post what the ledger lacks",
        )
        for option, default in (
            ("--pending-deadline", settings.PENDING_DEADLINE_SECONDS),
            ("--outbox-age", settings.OUTBOX_AGE_SECONDS),
        ):
            text = "allowed before it is a disagreement (default %(default)s)"
            parser.add_argument(option, type=read_seconds, metavar="SECONDS", default=default, help=text)

    def handle(
        self, *args: Any, heal: bool, pending_deadline: float, outbox_age: float, **options: Any
    ) -> None:
        limits = Limits(
            pending=timedelta(seconds=pending_deadline),
            outbox=timedelta(seconds=outbox_age),
            live_events=timedelta(days=settings.LIVE_EVENT_DAYS) - CLEANING_MARGIN,
        )
        report = self.make_report(limits)
        # Healing comes after the report: the exit code is about the state that was found.
        self.stdout.write(report.as_json() if options["json"] else report.as_text())
        if heal:
            options = {"older_than": pending_deadline} if settings.SERVICE == "listings" else {}
            call_command(HEALING[settings.SERVICE], stdout=self.stderr, **options)
        if report.disagreements:
            sys.exit(1)

    def make_report(self, limits: Limits) -> Report:
        """Return the report; raises CommandError if a database does not answer."""
        urls = settings.AUDITED_DATABASES
        for service, url in urls.items():
            if not url:
                raise CommandError(f"Set {service.upper()}_DATABASE_URL.", returncode=UNABLE)
        try:
            with open_snapshots(urls, limits) as snapshots:
                return make_report(snapshots)
        except Error as error:
            raise CommandError(f"Cannot read the databases: {error}", returncode=UNABLE) from error
