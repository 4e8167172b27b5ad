"""The command `manage.py payouts`: prepares, sends and looks up payouts, and reads bank statements."""

import sys
import time
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from microstore.messaging.rounds import RoundsCommand
from transactions.payouts.details import seal_all_anew
from transactions.payouts.preparing import prepare_payouts
from transactions.payouts.sending import look_up_payouts, send_payouts
from transactions.payouts.statements import NoStatement, read_statement
from transactions.payouts.waiting import measure_waiting

# The sums of all sellers are read then; a payout may be sent so much later than it could be.
PREPARE_EVERY_SECONDS = 600


class Command(RoundsCommand):
    """Prepare, send and look up payouts; other actions are subcommands."""

    help = "Prepare, send and look up payouts; or read a bank's statement; or seal bank details anew."
    name = "payouts"
    prepare_at = 0.0

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        actions = parser.add_subparsers(dest="action", title="instead of a round")
        statement = actions.add_parser("reconcile", help="read a bank's statement (CSV); exit 1 on a problem")
        statement.add_argument("file", type=Path)
        actions.add_parser("reseal", help="seal all bank details for the first key")

    def handle(self, *args: Any, every: float | None, action: str | None, **options: Any) -> None:
        if action == "reconcile":
            self.reconcile(options["file"])
        elif action == "reseal":
            self.stdout.write(f"Bank details sealed anew: {sum(seal_all_anew())}.")
        else:
            self.run(every)

    def do_round(self) -> str:
        looked_up = self.run_steps(look_up_payouts())
        prepared = 0
        if time.monotonic() >= self.prepare_at:
            prepared = self.run_steps(prepare_payouts())
            measure_waiting()
            self.prepare_at = time.monotonic() + PREPARE_EVERY_SECONDS
        sent = self.run_steps(send_payouts())
        return f"Payouts prepared: {prepared}, sent: {sent}, looked up: {looked_up}."

    def reconcile(self, file: Path) -> None:
        """Read the statement, write what it settles, and exit with 1 where something is wrong."""
        try:
            report = read_statement(file)
        except (NoStatement, OSError) as error:
            raise CommandError(f"{file}: {error}", returncode=2) from error
        for problem in report.problems:
            self.stdout.write(problem)
        self.stdout.write(
            f"Lines: {report.lines}. Payouts paid by them: {report.paid}. Problems: {len(report.problems)}."
        )
        if report.problems:
            sys.exit(1)
