"""The command `manage.py payouts`: prepares, sends and looks up payouts, and reads bank statements."""

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import structlog
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from microstore.database.outage import drop_connection
from microstore.environment import read_interval
from microstore.messaging.shutdown import set_on_signals
from microstore.metrics.exposition import expose
from microstore.telemetry.heartbeat import beat
from transactions.payouts.details import seal_all_anew
from transactions.payouts.preparing import prepare_payouts
from transactions.payouts.sending import look_up_payouts, send_payouts
from transactions.payouts.statements import NoStatement, read_statement
from transactions.payouts.waiting import measure_waiting

log = structlog.get_logger(__name__)

# The sums of all sellers are read then; a payout may be sent so much later than it could be.
PREPARE_EVERY_SECONDS = 600


class Command(BaseCommand):
    """Run one round, or one every given number of seconds; several may run at the same time."""

    help = "Prepare, send and look up payouts; or read a bank's statement; or seal bank details anew."
    requires_system_checks = ()  # they would import every page

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.stopping = threading.Event()
        self.prepare_at = 0.0

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=read_interval, metavar="SECONDS", help="go on until SIGTERM")
        actions = parser.add_subparsers(dest="action", title="instead of a round")
        statement = actions.add_parser("reconcile", help="read a bank's statement (CSV); exit 1 on a problem")
        statement.add_argument("file", type=Path)
        actions.add_parser("reseal", help="seal all bank details for the first key")

    def handle(self, *args: Any, every: float | None, action: str | None, **options: Any) -> None:
        if action == "reconcile":
            self.reconcile(options["file"])
        elif action == "reseal":
            self.stdout.write(f"Bank details sealed anew: {sum(seal_all_anew())}.")
        elif every is None:
            self.stdout.write(self.do_round())
        else:
            self.go_on(every)

    def go_on(self, every: float) -> None:
        """Run rounds until SIGTERM."""
        set_on_signals(self.stopping)
        expose()
        log.info("payouts started", every_seconds=every)
        while not self.stopping.is_set():
            self.try_round()
            self.stopping.wait(every)
        log.info("payouts stopped")

    def try_round(self) -> None:
        """Run a round; log a failure of the database or a folder, after which the next round continues."""
        try:
            log.info("payouts_round", result=self.do_round())
            beat()
        except (Error, OSError) as error:
            log.warning("payouts_failed", error=repr(error))
            drop_connection()

    def do_round(self) -> str:
        """Run a round and return its result as a sentence."""
        looked_up = self.run_steps(look_up_payouts())
        prepared = 0
        if time.monotonic() >= self.prepare_at:
            prepared = self.run_steps(prepare_payouts())
            measure_waiting()
            self.prepare_at = time.monotonic() + PREPARE_EVERY_SECONDS
        sent = self.run_steps(send_payouts())
        return f"Payouts prepared: {prepared}, sent: {sent}, looked up: {looked_up}."

    def run_steps(self, steps: Iterator[int]) -> int:
        """Run the steps and return the sum of their counts."""
        total = 0
        for count in steps:
            total += count
            # Each step has committed: after SIGTERM the rest is left to the next process.
            if self.stopping.is_set():
                break
        return total

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
